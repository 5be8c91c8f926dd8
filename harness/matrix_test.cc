#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/matrix_test_file.h"

namespace moe::harness {
namespace {

using testing::ElementsAre;

TEST(Matrix, IsEveryCombinationWithTheCellsOfAProblemInARow) {
  EXPECT_THAT(names(R"({"base": {"shape": "tiny"},
                        "axes": {"workload": ["uniform", "zipf:1.0"], "tokens": [7, 0]}})"),
              ElementsAre("tiny/T=7/uniform/f32/a@cpu", "tiny/T=7/uniform/f32/b@cpu",
                          "tiny/T=7/uniform/f32/b@cuda", "tiny/T=7/zipf:1.0/f32/a@cpu",
                          "tiny/T=7/zipf:1.0/f32/b@cpu", "tiny/T=7/zipf:1.0/f32/b@cuda",
                          "tiny/T=0/uniform/f32/a@cpu", "tiny/T=0/uniform/f32/b@cpu",
                          "tiny/T=0/uniform/f32/b@cuda", "tiny/T=0/zipf:1.0/f32/a@cpu",
                          "tiny/T=0/zipf:1.0/f32/b@cpu", "tiny/T=0/zipf:1.0/f32/b@cuda"));
}

TEST(Matrix, HandsOverWhatTheBaseSaysAboutMeasuring) {
  const Matrix m = MatrixFile(kSmall).read();
  EXPECT_EQ(m.name, "small");
  EXPECT_EQ(m.description, "for tests");
  EXPECT_THAT(m.presets, ElementsAre("more", "one", "single"));
  ASSERT_EQ(m.cells.size(), 6U);
  for (const Cell& c : m.cells) {
    EXPECT_EQ(c.samples, 5);
    EXPECT_EQ(c.warmup, 1);
    EXPECT_EQ(c.max_seconds, 0.5);
    EXPECT_EQ(c.shape.hidden, 64);
  }
}

TEST(Matrix, TakesStrategiesByNameOrWithTheirBackend) {
  EXPECT_THAT(names(R"({"base": {"shape": "tiny", "tokens": 1, "strategy": "b"}})"),
              ElementsAre("tiny/T=1/uniform/f32/b@cpu", "tiny/T=1/uniform/f32/b@cuda"));
  EXPECT_THAT(names(R"({"base": {"shape": "tiny", "tokens": 1},
                        "axes": {"strategy": ["b@cuda", "a"]}})"),
              ElementsAre("tiny/T=1/uniform/f32/b@cuda", "tiny/T=1/uniform/f32/a@cpu"));
}

TEST(Matrix, PassesOverAStrategyOfABackendThatWasNotBuilt) {
  EXPECT_THAT(names(R"({"base": {"shape": "tiny", "tokens": 1},
                        "axes": {"strategy": ["a@cuda", "a"]}})"),
              ElementsAre("tiny/T=1/uniform/f32/a@cpu"));
}

TEST(Matrix, NamesAShapeThatIsWrittenOut) {
  EXPECT_THAT(
      names(R"({"base": {"tokens": 1, "strategy": "a"}, "axes": {"shape": ["H=8,F=9,E=3,K=2",
                {"hidden": 8, "ffn": 9, "experts": 4, "top_k": 1, "renormalize": false}]}})"),
      ElementsAre("H=8,F=9,E=3,K=2/T=1/uniform/f32/a@cpu",
                  "H=8,F=9,E=4,K=1,all/T=1/uniform/f32/a@cpu"));
}

TEST(Matrix, SweepsFactorsSeedsAndThreads) {
  EXPECT_THAT(names(R"({"base": {"shape": "tiny", "tokens": 1, "strategy": "a"},
                        "axes": {"capacity_factor": [null, 1.25], "seed": [1, 7],
                                 "threads": [0, 2]}})"),
              ElementsAre("tiny/T=1/uniform/f32/a@cpu", "tiny/T=1/uniform/f32/threads=2/a@cpu",
                          "tiny/T=1/uniform/f32/seed=7/a@cpu",
                          "tiny/T=1/uniform/f32/seed=7/threads=2/a@cpu",
                          "tiny/T=1/uniform/f32/cf=1.25/a@cpu",
                          "tiny/T=1/uniform/f32/cf=1.25/threads=2/a@cpu",
                          "tiny/T=1/uniform/f32/cf=1.25/seed=7/a@cpu",
                          "tiny/T=1/uniform/f32/cf=1.25/seed=7/threads=2/a@cpu"));
}

TEST(Matrix, IncludesMoreCells) {
  EXPECT_THAT(names(R"({"base": {"shape": "tiny", "strategy": "a"}, "axes": {"tokens": [1]},
                        "include": [{"shape": "odd", "tokens": [2, 3], "workload": "zipf"}]})"),
              ElementsAre("tiny/T=1/uniform/f32/a@cpu", "odd/T=2/zipf/f32/a@cpu",
                          "odd/T=3/zipf/f32/a@cpu"));
}

TEST(Matrix, MayBeIncludedCellsOnly) {
  EXPECT_THAT(names(R"({"include": [{"shape": "odd", "tokens": 2, "strategy": "a"}]})"),
              ElementsAre("odd/T=2/uniform/f32/a@cpu"));
}

TEST(Matrix, KeepsAnIncludedCellWithItsProblem) {
  EXPECT_THAT(names(R"({"base": {"shape": "tiny", "strategy": "a"}, "axes": {"tokens": [1, 2]},
                        "include": [{"tokens": 1, "strategy": "b@cpu"}]})"),
              ElementsAre("tiny/T=1/uniform/f32/a@cpu", "tiny/T=1/uniform/f32/b@cpu",
                          "tiny/T=2/uniform/f32/a@cpu"));
}

TEST(Matrix, ExcludesWhatAgreesWithAllKeys) {
  EXPECT_THAT(names(R"({"base": {"shape": "tiny", "strategy": "a"},
                        "axes": {"tokens": [1, 2], "workload": ["uniform", "zipf:1.0"]},
                        "exclude": [{"tokens": 1, "workload": "zipf:1.0"}]})"),
              ElementsAre("tiny/T=1/uniform/f32/a@cpu", "tiny/T=2/uniform/f32/a@cpu",
                          "tiny/T=2/zipf:1.0/f32/a@cpu"));
  EXPECT_THAT(names(R"({"base": {"shape": "tiny", "tokens": 1}, "exclude": [{"strategy": "b"}]})"),
              ElementsAre("tiny/T=1/uniform/f32/a@cpu"));
  EXPECT_THAT(names(R"({"base": {"shape": "tiny", "strategy": "a"}, "axes": {"tokens": [1, 2, 3]},
                        "exclude": [{"tokens": [1, 3]}]})"),
              ElementsAre("tiny/T=2/uniform/f32/a@cpu"));
}

TEST(Matrix, MergesEqualCellsAndTheLastOneSaysHowToMeasure) {
  const Matrix m = MatrixFile(R"({
    "base": {"shape": "tiny", "strategy": "a", "samples": 5}, "axes": {"tokens": [1, 2, 1]},
    "include": [{"tokens": 1, "samples": 50}]})")
                       .read();
  EXPECT_THAT(names(m), ElementsAre("tiny/T=1/uniform/f32/a@cpu", "tiny/T=2/uniform/f32/a@cpu"));
  EXPECT_EQ(m.cells[0].samples, 50);
  EXPECT_EQ(m.cells[1].samples, 5);
}

class KeptMatrix : public testing::TestWithParam<const char*> {};

TEST_P(KeptMatrix, IsWellFormedAndItsCellsCanBeNamedAgain) {
  const std::filesystem::path path =
      std::filesystem::path(MOEBENCH_SOURCE_DIR) / "bench/matrices" / GetParam();
  const Known known = {
      {"loop-per-expert@cpu", "sort-and-group@cpu", "gather-fused@cpu", "masked@cpu", "decode@cpu"},
      {"balanced", "uniform", "zipf", "dirichlet", "hot", "collapse", "correlated", "trace"}};
  for (const Cell& c : read_matrix(path, {}, known).cells) {
    EXPECT_EQ(parse_cell(c.name()).name(), c.name());
  }
}

INSTANTIATE_TEST_SUITE_P(All, KeptMatrix,
                         testing::Values("smoke.json", "demo.json", "acceptance.json",
                                         "unseen.json"));

TEST(AcceptanceMatrix, CoversWhatItPromises) {
  const Known known = {{"a@cpu"}, {"uniform", "zipf", "hot", "trace"}};
  const std::string path = std::string(MOEBENCH_SOURCE_DIR) + "/bench/matrices/acceptance.json";
  EXPECT_EQ(read_matrix(path, {}, known).cells.size(), 4U * 7 * 5);
}

}  // namespace
}  // namespace moe::harness
