#include "harness/picker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moe::harness {
namespace {

using testing::DoubleEq;

constexpr CpuCeilings kMachine{.memory_bytes_per_second = 30e9,
                               .cache_bytes = 1 << 20,
                               .core_cache_bytes = 1 << 10,
                               .cache_bytes_per_second = 60e9,
                               .flops_per_second = 300e9,
                               .call_seconds = 2e-6};

constexpr MoeShape kLayer{
    .tokens = 64, .hidden = 2048, .ffn = 768, .experts = 8, .top_k = 2, .dtype = DType::kBf16};

double seconds(const MoeShape& shape, std::vector<std::int64_t> rows) {
  return predicted_seconds(shape, {.rows = std::move(rows), .waits = 0}, kMachine);
}

TEST(Picker, AnExpertWithoutRowsCostsNothing) {
  EXPECT_EQ(seconds(kLayer, {0, 0}), 0);
  EXPECT_THAT(seconds(kLayer, {5, 0}), DoubleEq(seconds(kLayer, {5})));
}

TEST(Picker, FewRowsCostTheReadingOfWeights) {
  const double read = 3.0 * 2048 * 768 * 2 / 30e9;
  EXPECT_GT(seconds(kLayer, {1}), read);
  EXPECT_LT(seconds(kLayer, {1}), 1.3 * read);
  EXPECT_LT(seconds(kLayer, {2}), 1.1 * seconds(kLayer, {1}));
}

TEST(Picker, ManyRowsCostTheirMultiplication) {
  EXPECT_GT(seconds(kLayer, {200}), 6.0 * 200 * 2048 * 768 / 300e9);
  EXPECT_GT(seconds(kLayer, {200}), 1.8 * seconds(kLayer, {100}));
}

TEST(Picker, WhatFitsTheCacheIsReadFaster) {
  MoeShape small = kLayer;
  small.hidden = small.ffn = 64;
  const double one = seconds(small, {1});
  CpuCeilings without = kMachine;
  without.cache_bytes = 0;
  EXPECT_LT(one, predicted_seconds(small, {.rows = {1}, .waits = 0}, without));
}

TEST(Picker, WaitsAndCopiesComeOnTop) {
  const double plain = seconds(kLayer, {8});
  EXPECT_THAT(predicted_seconds(kLayer, {.rows = {8}, .waits = 3}, kMachine),
              DoubleEq(plain + 6e-6));
  EXPECT_GT(predicted_seconds(kLayer, {.rows = {8}, .waits = 0, .copied_bytes = 1e6}, kMachine),
            plain);
}

TEST(Picker, RanksAllStrategiesOfOneFunctionAndPrefersLessWork) {
  const std::vector<std::int64_t> tokens(8, 16);
  const auto ranked = predict(kLayer, tokens, kMachine);
  ASSERT_GE(ranked.size(), 4U);
  EXPECT_EQ(ranked.back().strategy->name, "dense-masked");
  for (std::size_t i = 1; i < ranked.size(); ++i) {
    EXPECT_LE(ranked[i - 1].seconds, ranked[i].seconds);
  }
}

TEST(Picker, LeavesOutWhatCannotRun) {
  for (const auto& p : predict(kLayer, std::vector<std::int64_t>(8, 16), kMachine)) {
    EXPECT_NE(p.strategy->name, "decode");  // 64 tokens are too many for it
  }
}

Record measured(const std::string& strategy, double median_ns) {
  Record r;
  r.problem_id = "a problem";
  r.strategy = strategy;
  r.backend = Backend::kCpu;
  r.status = Status::kOk;
  r.shape = kLayer;
  r.load = LoadStats{.tokens_per_expert = std::vector<std::int64_t>(8, 16)};
  r.timing = Timing{};
  r.timing->median_ns = median_ns;
  return r;
}

TEST(Regret, IsWhatThePickTakesLongerThanTheBest) {
  const auto picked = predict(kLayer, std::vector<std::int64_t>(8, 16), kMachine)[0];
  const auto all = regrets({measured(std::string(picked.strategy->name), 120),
                            measured("dense-masked", 100), measured("expert-choice", 1)},
                           kMachine);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].picked, picked.strategy->name);
  EXPECT_EQ(all[0].best, "dense-masked");
  EXPECT_NEAR(all[0].regret, 0.2, 1e-12);
}

TEST(Regret, NeedsTwoThatWereMeasured) {
  EXPECT_TRUE(regrets({measured("gather-fused", 1)}, kMachine).empty());
  Record failed = measured("sort-and-group", 1);
  failed.status = Status::kWrong;
  EXPECT_TRUE(regrets({measured("gather-fused", 1), failed}, kMachine).empty());
}

}  // namespace
}  // namespace moe::harness
