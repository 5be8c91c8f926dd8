#include "harness/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/results_file.h"

namespace moe::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A record with the given median and interval; policy as named.
Record timed(const std::string& strategy, std::int64_t tokens, double median, double half_width = 1,
             const std::string& policy = "token-choice") {
  Record r;
  r.strategy = strategy;
  r.policy = policy;
  r.shape_name = "tiny";
  r.workload = "uniform";
  r.shape.tokens = tokens;
  r.cell = "tiny/T=" + std::to_string(tokens) + "/uniform/f32/" + strategy + "@cpu";
  r.status = Status::kOk;
  r.timing = Timing{.samples_ns = {median},
                    .median_ns = median,
                    .median_ci95_ns = std::array{median - half_width, median + half_width}};
  return r;
}

std::string only_verdict(const std::vector<Record>& records) {
  const Summary summary = summarize(records);
  EXPECT_EQ(summary.families.size(), 1);
  return verdict(summary.families.at(0));
}

TEST(Verdict, SaysWhichStrategyWinsWhere) {
  EXPECT_EQ(only_verdict({timed("a", 1, 10), timed("b", 1, 20), timed("a", 7, 10),
                          timed("b", 7, 20), timed("a", 64, 20), timed("b", 64, 10)}),
            "tiny, uniform, f32, warm: a up to 7 tokens, b from 64 on.");
}

TEST(Verdict, SortsByTokensWhateverTheOrderOfTheLines) {
  EXPECT_EQ(
      only_verdict({timed("b", 64, 10), timed("a", 64, 20), timed("b", 1, 20), timed("a", 1, 10)}),
      "tiny, uniform, f32, warm: a up to 1 token, b from 64 on.");
}

TEST(Verdict, IsATieWhenIntervalsOverlap) {
  EXPECT_EQ(only_verdict({timed("a", 8, 10, 2), timed("b", 8, 13, 2)}),
            "tiny, uniform, f32, warm: a tie of a and b at 8 tokens.");
  EXPECT_EQ(only_verdict({timed("a", 8, 10, 1), timed("b", 8, 13, 1)}),
            "tiny, uniform, f32, warm: a at 8 tokens.");
}

TEST(Verdict, WithoutAnIntervalTakesTheRangeOfTheSamples) {
  Record a = timed("a", 8, 10);
  Record b = timed("b", 8, 13);
  a.timing->median_ci95_ns.reset();
  a.timing->samples_ns = {9, 10, 12.5};
  EXPECT_THAT(only_verdict({a, b}), HasSubstr("tie of a and b"));
  a.timing->samples_ns = {9, 10, 11};
  EXPECT_THAT(only_verdict({a, b}), HasSubstr(": a at 8"));
}

TEST(Verdict, DoesNotLetAnotherRoutingWin) {
  EXPECT_EQ(only_verdict({timed("a", 8, 10), timed("b", 8, 20), timed("fast", 8, 1, 0, "capped")}),
            "tiny, uniform, f32, warm: a at 8 tokens.");
}

TEST(Verdict, SaysWhenAWinnerHadNoRival) {
  EXPECT_THAT(only_verdict({timed("a", 8, 10), timed("fast", 8, 1, 0, "capped")}),
              HasSubstr("a (alone) at 8 tokens"));
  EXPECT_THAT(only_verdict({timed("fast", 8, 1, 0, "capped")}), HasSubstr("no dropless time at 8"));
}

TEST(Verdict, CoversManySizesAtOnce) {
  EXPECT_THAT(
      only_verdict({timed("a", 1, 1), timed("b", 1, 9), timed("a", 9, 1), timed("b", 9, 9)}),
      HasSubstr(": a at every size from 1 to 9 tokens."));
}

TEST(Verdict, NamesTheMiddle) {
  const auto text =
      only_verdict({timed("a", 1, 1), timed("b", 1, 9), timed("b", 2, 1), timed("a", 2, 9),
                    timed("b", 3, 1), timed("a", 3, 9), timed("a", 4, 1), timed("b", 4, 9)});
  EXPECT_THAT(text, HasSubstr(": a up to 1 token, b from 2 to 3, a from 4 on."));
}

TEST(Summary, PutsThoseThatCompeteFirst) {
  const std::vector records{timed("capped", 8, 1, 0, "capped"), timed("a", 8, 10)};
  const Summary summary = summarize(records);
  EXPECT_THAT(summary.families[0].columns, ElementsAre("a", "capped"));
  EXPECT_DOUBLE_EQ(summary.families[0].rows[0].cells[1].ratio, 0.1);
}

TEST(Summary, NeverComparesTwoMachines) {
  std::vector records{timed("a", 8, 10), timed("b", 8, 20)};
  records[1].environment.threads = 64;
  EXPECT_EQ(summarize(records).families.size(), 2);
}

TEST(Summary, NeverComparesTwoCacheStates) {
  std::vector records{timed("a", 8, 10), timed("b", 8, 20)};
  records[1].cache = "cold-weights";
  EXPECT_EQ(summarize(records).families.size(), 2);
}

TEST(Summary, NamesTheFactorWhereItIsSwept) {
  std::vector records{timed("p", 8, 10, 1, "capped"), timed("p", 8, 20, 1, "capped"),
                      timed("a", 8, 1)};
  records[0].capacity_factor = 1;
  records[1].capacity_factor = 1.25;
  const Summary summary = summarize(records);
  EXPECT_THAT(summary.families[0].columns, ElementsAre("a", "p 1", "p 1.25"));
}

TEST(Summary, GathersFailuresOfOneReasonWorstFirst) {
  std::vector records{timed("a", 1, 1), timed("b", 1, 1), timed("c", 1, 1), timed("d", 1, 1)};
  for (Record& r : records) r.timing.reset(), r.status = Status::kSkipped, r.reason = "no device";
  records[3].status = Status::kWrong;
  records[3].reason = "token 3";
  const Summary summary = summarize(records);
  ASSERT_EQ(summary.failures.size(), 2);
  EXPECT_EQ(summary.failures[0].reason, "token 3");
  EXPECT_EQ(summary.failures[1].records.size(), 3);
  EXPECT_EQ(count_sentence(summary), "4 cells: 1 wrong, 3 skipped.");
}

TEST(Summary, OfNothingIsNothing) {
  EXPECT_TRUE(summarize({}).families.empty());
  EXPECT_EQ(count_sentence(summarize({})), "no cells.");
}

}  // namespace
}  // namespace moe::harness
