#include "harness/drive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/sampled_truth.h"
#include "kernels/contract/error.h"
#include "reference/route.h"

namespace moe::harness {
namespace {

Routing route(const std::vector<float>& logits, const MoeShape& s) {
  return reference::route<float>(TokenChoice{}, s, packed(logits.data(), s.tokens, s.experts));
}

TEST(Relabelled, GivesTheChosenExpertsTheNextNumbersOfTheCircle) {
  const MoeShape s{.tokens = 2, .hidden = 1, .ffn = 1, .experts = 5, .top_k = 1};
  const std::vector<float> logits = {0, 9, 1, 2, 3,   // expert 1
                                     0, 1, 2, 3, 9};  // expert 4
  EXPECT_THAT(route(relabelled(logits, s, 0), s).expert, testing::ElementsAre(0, 1));
  EXPECT_THAT(route(relabelled(logits, s, 1), s).expert, testing::ElementsAre(2, 3));
  EXPECT_THAT(route(relabelled(logits, s, 2), s).expert, testing::ElementsAre(4, 0));
}

TEST(Relabelled, KeepsTheWeights) {
  const MoeShape s{.tokens = 1, .hidden = 1, .ffn = 1, .experts = 4, .top_k = 2};
  const std::vector<float> logits = {0.5F, -1, 2, 1};
  EXPECT_EQ(route(relabelled(logits, s, 1), s).weight, route(logits, s).weight);
}

std::vector<Cell> cells_of(const std::string& strategy) {
  std::vector<Cell> cells;
  for (const char* tokens : {"1", "9"}) {
    cells.push_back(parse_cell("tiny/T=" + std::string(tokens) + "/zipf:1.0/f32/" + strategy));
  }
  return cells;
}

TEST(Drive, HandsInTheRightOutputOfEveryCell) {
  const auto cells = cells_of("loop-per-expert@cpu");
  const auto results = drive(cells, {.layers = 2, .samples = 4, .warm_up = 1});
  ASSERT_EQ(results.size(), 2U);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Cell& c = cells[i];
    SampledTruth truth(make_workload(c.workload, c.shape, make_weights(c.shape, 1), 1), 16);
    const auto v = truth.judge(results[i].y, with_roundings(DType::kF32, {}));
    EXPECT_TRUE(v.passed()) << v.fault;
    EXPECT_EQ(results[i].cold.samples_ns.size(), 4U);
    EXPECT_EQ(results[i].hot.samples_ns.size(), 4U);
  }
}

TEST(Drive, LeavesOutHotWhereEveryCallReadsMoreThanTheCacheHolds) {
  const auto results = drive(cells_of("loop-per-expert@cpu"), {.samples = 3, .cache_bytes = 1000});
  EXPECT_TRUE(results.at(0).always_cold);
  EXPECT_TRUE(results.at(0).hot.samples_ns.empty());
  EXPECT_EQ(results.at(0).cold.samples_ns.size(), 3U);
}

TEST(Drive, MeasuresTheCeilingsAroundEveryColdCall) {
  const auto results =
      drive(cells_of("loop-per-expert@cpu"), {.samples = 3, .rounds = 2, .ceilings = true});
  ASSERT_EQ(results.size(), 4U);
  for (const DriveResult& r : results) {
    EXPECT_EQ(r.cold.ceilings.size(), 3U);
    EXPECT_TRUE(r.hot.ceilings.empty());
    for (const Ceilings& c : r.cold.ceilings) {
      EXPECT_GT(c.bytes_per_second, 0);
      EXPECT_GT(c.flops_per_second, 0);
    }
  }
}

TEST(Drive, SaysWhyAStrategyCannotTakePart) {
  const auto results = drive(cells_of("expert-choice@cpu"), {});
  EXPECT_THAT(results.at(1).fault, testing::HasSubstr("policy"));
  EXPECT_EQ(results.at(1).cell, 1U);
}

TEST(Drive, TimesTheCellsAStrategyCanTake) {
  auto cells = cells_of("decode@cpu");
  cells.push_back(parse_cell("tiny/T=40/zipf:1.0/f32/decode@cpu"));
  std::swap(cells[0], cells[2]);
  const auto results = drive(cells, {.samples = 3});
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0].cell, 0U);
  EXPECT_THAT(results[0].fault, testing::HasSubstr("16 tokens"));
  for (const std::size_t i : {1U, 2U}) {
    EXPECT_EQ(results[i].cell, i);
    EXPECT_EQ(results[i].fault, "");
    EXPECT_EQ(results[i].cold.samples_ns.size(), 3U);
  }
}

TEST(Drive, NamesTheNearestStrategy) {
  try {
    drive(cells_of("loop-per-exprt@cpu"), {});
    FAIL() << "took a strategy that there is not";
  } catch (const UserError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("did you mean \"loop-per-expert@cpu\"?"));
  }
}

TEST(Drive, RefusesCellsOfDifferentLayers) {
  auto cells = cells_of("loop-per-expert@cpu");
  cells[1].seed = 2;
  EXPECT_THROW(drive(cells, {}), UserError);
}

}  // namespace
}  // namespace moe::harness
