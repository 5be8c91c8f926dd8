#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "harness/matrix_test_file.h"

namespace moe::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(MatrixPreset, ReplacesKeysOfTheFile) {
  const Matrix m = MatrixFile(kSmall).read({.preset = "one", .strategy = "a"});
  EXPECT_THAT(names(m), ElementsAre("tiny/T=9/uniform/f32/a@cpu"));
  EXPECT_EQ(m.cells[0].samples, 6);
  EXPECT_EQ(m.cells[0].warmup, 1);
}

TEST(MatrixPreset, CanMakeAnAxisASingleValue) {
  EXPECT_THAT(names(kSmall, {.preset = "single", .strategy = "a"}),
              ElementsAre("tiny/T=3/uniform/f32/a@cpu"));
}

TEST(MatrixPreset, CanIncludeAndExclude) {
  EXPECT_THAT(names(kSmall, {.preset = "more", .strategy = "a"}),
              ElementsAre("tiny/T=1/uniform/f32/a@cpu", "odd/T=2/uniform/f32/a@cpu"));
}

TEST(MatrixPreset, IsRefusedWhenUnknown) {
  EXPECT_THAT(complaint(kSmall, {.preset = "ones"}),
              HasSubstr("unknown preset \"ones\" (did you mean \"one\"?); known: more, one"));
}

TEST(MatrixPreset, IsCheckedEvenIfNotChosen) {
  EXPECT_EQ(complaint(R"({"base": {"shape": "tiny", "tokens": 1},
 "presets": {"x": {"base": {"tokns": 1}}}})"),
            "f:2:29: /presets/x/base/tokns: unknown key \"tokns\" (did you mean \"tokens\"?); "
            "known: shape, tokens, workload, dtype, capacity_factor, seed, threads, strategy, "
            "samples, warmup, max_seconds");
}

TEST(MatrixSet, TakesJsonOrElseAString) {
  const Matrix m = MatrixFile(kSmall).read(
      {.sets = {"axes.tokens=[4]", "base.samples=9", "base.workload=zipf:1.0"}, .strategy = "a"});
  EXPECT_THAT(names(m), ElementsAre("tiny/T=4/zipf:1.0/f32/a@cpu"));
  EXPECT_EQ(m.cells[0].samples, 9);
}

TEST(MatrixSet, WinsOverThePresetAndLaterOverEarlier) {
  EXPECT_THAT(
      names(kSmall,
            {.preset = "one", .sets = {"axes.tokens=[4]", "axes.tokens=5"}, .strategy = "a"}),
      ElementsAre("tiny/T=5/uniform/f32/a@cpu"));
}

TEST(MatrixSet, OfTheBaseReplacesTheAxis) {
  EXPECT_THAT(names(kSmall, {.sets = {"base.tokens=5"}, .strategy = "a"}),
              ElementsAre("tiny/T=5/uniform/f32/a@cpu"));
}

TEST(MatrixSet, IsRefusedWithItsPlace) {
  EXPECT_EQ(complaint(kSmall, {.sets = {"axes.tokens=[1, -2]"}}),
            "--set axes.tokens:1:5: /1: expected an integer from 0 to 1048576, found -2");
  EXPECT_THAT(complaint(kSmall, {.sets = {"axes.tokns=[1]"}}),
              HasSubstr("unknown key \"tokns\" of axes (did you mean \"tokens\"?)"));
  EXPECT_THAT(complaint(kSmall, {.sets = {"axes.samples=[1]"}}), HasSubstr("unknown key"));
  for (const char* set : {"tokens=1", "axes.tokens", "axis.tokens=1", "=", "", "axes=1", "a=b.c"}) {
    EXPECT_THAT(complaint(kSmall, {.sets = {set}}), HasSubstr("expected base.KEY=VALUE")) << set;
  }
  EXPECT_THAT(complaint(kSmall, {.sets = {"base.samples=\xFF"}}), HasSubstr("expected an integer"));
}

TEST(MatrixFilter, KeepsTheCellsWhoseNameMatches) {
  EXPECT_THAT(names(kSmall, {.filter = "T=7/.*b@cpu$"}), ElementsAre("tiny/T=7/uniform/f32/b@cpu"));
}

TEST(MatrixFilter, KeepsAStrategyOrABackend) {
  EXPECT_EQ(names(kSmall, {.strategy = "b"}).size(), 4U);
  EXPECT_EQ(names(kSmall, {.strategy = "b@cuda"}).size(), 2U);
  EXPECT_EQ(names(kSmall, {.backend = "cpu"}).size(), 4U);
}

TEST(MatrixFilter, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(complaint(kSmall, {.strategy = "c"}), HasSubstr("unknown strategy \"c\""));
  EXPECT_THAT(complaint(kSmall, {.strategy = "a@gpu"}), HasSubstr("unknown backend \"gpu\""));
  EXPECT_THAT(complaint(kSmall, {.backend = "gpu"}), HasSubstr("unknown backend \"gpu\""));
  EXPECT_THAT(complaint(kSmall, {.filter = "("}), HasSubstr("--filter \"(\": not a regular"));
}

TEST(MatrixFilter, SaysWhenNothingIsLeft) {
  EXPECT_EQ(complaint(kSmall, {.filter = "none"}), "f: no cell is left of 6 after filters");
}

TEST(MatrixOptions, SeedReplacesEverySeed) {
  EXPECT_THAT(names(R"({"base": {"shape": "tiny", "tokens": 1, "strategy": "a"},
                        "axes": {"seed": [1, 2]}})",
                    {.seed = 5}),
              ElementsAre("tiny/T=1/uniform/f32/seed=5/a@cpu"));
}

TEST(MatrixRefuses, UnknownKeys) {
  EXPECT_EQ(complaint(R"({"bse": {}})"),
            "f:1:2: /bse: unknown key \"bse\" (did you mean \"base\"?); known: name, description, "
            "base, axes, include, exclude, presets");
  EXPECT_THAT(complaint(R"({"axes": {"samples": [1]}})"), HasSubstr("f:1:11: /axes/samples: unk"));
  EXPECT_THAT(complaint(R"({"include": [{"tokns": 1}]})"), HasSubstr("f:1:15: /include/0/tokns"));
  EXPECT_THAT(complaint(R"({"base": {"shape": "tiny", "tokens": 1}, "exclude": [{"tokns": 1}]})"),
              HasSubstr("/exclude/0/tokns"));
}

TEST(MatrixRefuses, AMisspeltWord) {
  EXPECT_EQ(complaint("{\"axes\": {\"shape\": [\"tiny\"], \"tokens\": [1],\n"
                      "  \"workload\": [\"uniform\", \"zipff:1.0\"]}}"),
            "f:2:27: /axes/workload/1: unknown workload \"zipff\" (did you mean \"zipf\"?); known: "
            "uniform, zipf:S, hot:M:F, trace:FILE#layer=N");
  EXPECT_THAT(complaint(R"({"base": {"shape": "tny", "tokens": 1}})"),
              HasSubstr("f:1:20: /base/shape: unknown shape \"tny\" (did you mean \"tiny\"?)"));
  EXPECT_THAT(complaint(R"({"base": {"shape": "tiny", "tokens": 1, "dtype": "f64"}})"),
              HasSubstr("/base/dtype: unknown dtype \"f64\" (did you mean \"f32\"?)"));
  EXPECT_THAT(complaint(R"({"base": {"shape": "tiny", "tokens": 1, "strategy": "c"}})"),
              HasSubstr("/base/strategy: unknown strategy \"c\""));
}

TEST(MatrixRefuses, WrongTypesAndNumbersOutOfRange) {
  const auto base = [](const std::string& more) {
    return complaint(R"({"base": {"shape": "tiny", "tokens": 1, )" + more + "}}");
  };
  EXPECT_THAT(complaint(R"({"base": {"shape": "tiny", "tokens": 1048577}})"),
              HasSubstr("expected an integer from 0 to 1048576, found 1048577"));
  EXPECT_THAT(complaint(R"({"base": {"shape": "tiny", "tokens": [1]}})"),
              HasSubstr("found a list"));
  EXPECT_THAT(
      complaint(R"({"base": {"shape": "tiny", "tokens": 1, "strategy": ["a"]}})"),
      testing::MatchesRegex("f:[0-9]+:[0-9]+: /base/strategy: expected a string, found a list"));
  EXPECT_THAT(base(R"("capacity_factor": 0)"), HasSubstr("/base/capacity_factor: expected a num"));
  EXPECT_THAT(base(R"("capacity_factor": "1")"), HasSubstr("found \"1\""));
  EXPECT_THAT(base(R"("samples": 0)"), HasSubstr("/base/samples: expected an integer from 1"));
  EXPECT_THAT(base(R"("samples": 8.9)"), HasSubstr("found 8.9"));
  EXPECT_THAT(base(R"("max_seconds": -1)"), HasSubstr("/base/max_seconds: expected a number"));
  EXPECT_THAT(base(R"("warmup": -1)"), HasSubstr("/base/warmup: expected an integer"));
  EXPECT_THAT(base(R"("seed": -1)"), HasSubstr("/base/seed: expected an integer"));
  EXPECT_THAT(base(R"("threads": 1025)"), HasSubstr("/base/threads: expected an integer"));
  EXPECT_THAT(complaint(R"({"include": [{"shape": {"hidden": 1, "ffn": 1, "experts": 2,
                                                  "top_k": 3}, "tokens": 1}]})"),
              HasSubstr("/include/0/shape/top_k: expected an integer from 1 to 2, found 3"));
  EXPECT_THAT(complaint(R"({"include": [{"shape": "tiny", "tokens": 1, "samples": [1, 2]}]})"),
              HasSubstr("/include/0/samples: expected an integer"));
}

TEST(MatrixRefuses, CellsWithoutShapeOrTokens) {
  EXPECT_EQ(complaint(R"({"axes": {"tokens": [1]}})"),
            "f:1:1: the key \"shape\" is missing here, in base and in axes");
  EXPECT_EQ(complaint(R"({"include": [{"shape": "tiny"}]})"),
            "f:1:14: /include/0: the key \"tokens\" is missing here, in base and in axes");
}

TEST(MatrixRefuses, AnAxisWithoutValues) {
  EXPECT_THAT(complaint(R"({"base": {"shape": "tiny"}, "axes": {"tokens": []}})"),
              HasSubstr("/axes/tokens: an empty list makes no cells"));
}

TEST(MatrixRefuses, AnExclusionOfEverything) {
  EXPECT_THAT(complaint(R"({"base": {"shape": "tiny", "tokens": 1}, "exclude": [{}]})"),
              HasSubstr("/exclude/0: an empty object would exclude every cell"));
}

TEST(MatrixRefuses, MoreThanTwentyThousandCellsBeforeMakingThem) {
  std::string seeds = "0";
  for (int i = 1; i < 1000; ++i) seeds.append(",").append(std::to_string(i));
  const std::string text = R"({"base": {"shape": "tiny"}, "axes": {"tokens": [)" + seeds +
                           "], \"seed\": [" + seeds + "], \"threads\": [" + seeds + "]}}";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(complaint(text),
            "f: expands to 3000000000 cells, expected at most 20000; shorten an axis");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace moe::harness
