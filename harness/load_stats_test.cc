#include "harness/load_stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>

#include "harness/workload.h"
#include "reference/route.h"

namespace moe::harness {
namespace {

// One expert a token, n[e] tokens to expert e, as logits.
std::vector<float> logits_with_counts(std::span<const std::int64_t> n) {
  std::vector<float> g;
  for (std::size_t e = 0; e < n.size(); ++e) {
    for (std::int64_t i = 0; i < n[e]; ++i) {
      std::vector<float> row(n.size(), 0);
      row[e] = 4;
      g.insert(g.end(), row.begin(), row.end());
    }
  }
  return g;
}

LoadStats stats(const RoutingPolicy& policy, const MoeShape& s, const std::vector<float>& logits) {
  const auto g = packed(logits.data(), s.tokens, s.experts);
  return load_stats(s, reference::route<float>(policy, s, g),
                    reference::route<float>(TokenChoice{}, s, g));
}

LoadStats of_counts(const std::vector<std::int64_t>& n, const RoutingPolicy& policy = {}) {
  const auto tokens = std::accumulate(n.begin(), n.end(), std::int64_t{0});
  const MoeShape s{.tokens = tokens,
                   .experts = static_cast<std::int64_t>(n.size()),
                   .top_k = 1,
                   .renormalize = false};
  return stats(policy, s, logits_with_counts(n));
}

nlohmann::json golden() {
  std::ifstream file(MOEBENCH_SOURCE_DIR "/reference/testdata/golden_routing.json");
  return nlohmann::json::parse(file).at("metrics_for_counts_120_70_90_40");
}

const std::vector<std::int64_t> kCounts = {120, 70, 90, 40};
constexpr double kRounding = 1e-14;  // of values of order one: tens of units in the last place

TEST(LoadStats, AgreesWithTheGoldenFigures) {
  const auto want = golden();
  const auto got = of_counts(kCounts);
  EXPECT_EQ(got.tokens_per_expert, kCounts);
  EXPECT_NEAR(got.max_over_mean, want.at("imbalance_factor"), kRounding);
  EXPECT_NEAR(got.max_violation, want.at("max_vio"), kRounding);
  EXPECT_NEAR(got.variation, want.at("cv_population"), kRounding);
  EXPECT_NEAR(got.variation * got.variation, want.at("cv2_population"), kRounding);
  EXPECT_NEAR(got.gini, want.at("gini"), kRounding);
  EXPECT_NEAR(got.entropy, want.at("entropy_norm"), kRounding);
  EXPECT_NEAR(got.entropy * std::log(4), want.at("entropy_nats"), kRounding);
  EXPECT_NEAR(std::pow(4, got.entropy), want.at("effective_experts"), 4 * kRounding);
  EXPECT_NEAR(got.max_over_min.value(), want.at("busiest_over_least"), kRounding);
  EXPECT_NEAR(100 * (got.max_over_min.value() - 1), want.at("nvidia_excess_pct"), 1e-11);
  EXPECT_NEAR(got.tile_efficiency_64, want.at("tile64_efficiency"), kRounding);
  EXPECT_NEAR(got.pad_to_max_efficiency, want.at("pad_to_max_efficiency"), kRounding);
}

TEST(LoadStats, CountsDropsLikeTheGoldenFigures) {
  const auto want = golden();
  const auto one = of_counts(kCounts, TokenChoiceCapped{.factor = 1});
  const auto more = of_counts(kCounts, TokenChoiceCapped{.factor = 1.25});
  EXPECT_NEAR(one.dropped_slots, want.at("drop_rate_cf1_00"), kRounding);
  EXPECT_NEAR(one.dropped_tokens, want.at("drop_rate_cf1_00"), kRounding);  // K = 1
  EXPECT_NEAR(more.dropped_slots, want.at("drop_rate_cf1_25"), kRounding);
  const auto made =
      std::accumulate(more.tokens_per_expert.begin(), more.tokens_per_expert.end(), 0);
  EXPECT_NEAR(made / (4 * 100.0), want.at("slot_occupancy_cf1_25"), kRounding);
}

TEST(LoadStats, EvenLoadIsTheBestOfEveryFigure) {
  const auto got = of_counts({128, 128, 128, 128});
  EXPECT_EQ(got.max_over_mean, 1);
  EXPECT_EQ(got.max_violation, 0);
  EXPECT_EQ(got.variation, 0);
  EXPECT_EQ(got.gini, 0);
  EXPECT_NEAR(got.entropy, 1, kRounding);
  EXPECT_EQ(got.max_over_min, 1);
  EXPECT_EQ(got.dead_experts, 0);
  EXPECT_EQ(got.pad_to_max_efficiency, 1);
  EXPECT_EQ(got.tile_efficiency_128, 1);
}

TEST(LoadStats, CollapseReachesTheBoundsOfEveryFigure) {
  const MoeShape s{.tokens = 30, .experts = 16, .top_k = 4};
  const auto got = stats(TokenChoice{}, s, make_workload("collapse", s, nullptr, 1).logits);
  EXPECT_NEAR(got.max_over_mean, 4, kRounding);
  EXPECT_NEAR(got.variation, std::sqrt(16.0 / 4 - 1), kRounding);
  EXPECT_NEAR(got.gini, 1 - 4.0 / 16, kRounding);
  EXPECT_NEAR(got.entropy, std::log(4) / std::log(16), kRounding);
  EXPECT_EQ(got.max_over_min, 1);  // over the experts that got any
  EXPECT_EQ(got.dead_experts, 12);
  EXPECT_NEAR(got.pad_to_max_efficiency, 4.0 / 16, kRounding);
}

// E[CV] of uniform routing, K distinct experts a token. The CV's own spread is about
// 1 / sqrt(2 E) relative; the mean of 50 is known to 2 %, and five of those are allowed.
TEST(LoadStats, UniformRoutingIsAtTheMultinomialFloor) {
  const MoeShape s{.tokens = 256, .experts = 32, .top_k = 4};
  double mean = 0;
  for (int seed = 0; seed < 50; ++seed) {
    mean += stats(TokenChoice{}, s, make_workload("uniform", s, nullptr, seed).logits).variation;
  }
  const double floor = std::sqrt((32.0 - 4) / (4 * 256));
  EXPECT_DOUBLE_EQ(of_counts({8, 8}).multinomial_floor, std::sqrt(1.0 / 16));
  EXPECT_NEAR(mean / 50, floor, 0.1 * floor);
}

TEST(LoadStats, TilesArePaddedToWholeOnes) {
  const auto got = of_counts({17, 1, 0, 14});  // 2 + 1 + 0 + 1 tiles of 16
  EXPECT_DOUBLE_EQ(got.tile_efficiency_16, 32.0 / 64);
  EXPECT_DOUBLE_EQ(got.tile_efficiency_128, 32.0 / (3 * 128));
}

Routing routing(std::vector<std::int32_t> offsets, std::vector<std::int32_t> expert,
                std::vector<float> weight) {
  return {std::move(offsets), std::move(expert), std::move(weight)};
}

TEST(LoadStats, WeighsWhatWasLost) {
  const MoeShape s{.tokens = 2, .experts = 4, .top_k = 2};
  const auto asked = routing({0, 2, 4}, {0, 1, 0, 2}, {0.75F, 0.25F, 0.5F, 0.5F});
  const auto served = routing({0, 1, 3}, {0, 3, 0}, {0.5F, 0.9F, 0.5F});
  const auto got = load_stats(s, served, asked);
  EXPECT_DOUBLE_EQ(got.dropped_slots, 2.0 / 4);  // 1 of token 0, 2 of token 1; 3 replaces nothing
  EXPECT_DOUBLE_EQ(got.gate_mass_lost, (0.25 + 0.25 + 0.5) / 2);
  EXPECT_DOUBLE_EQ(got.dropped_tokens, 0);
}

TEST(LoadStats, ATokenWithoutAnExpertIsDropped) {
  const MoeShape s{.tokens = 2, .experts = 4, .top_k = 1};
  const auto asked = routing({0, 1, 2}, {0, 1}, {1, 1});
  const auto got = load_stats(s, routing({0, 0, 1}, {1}, {1}), asked);
  EXPECT_DOUBLE_EQ(got.dropped_tokens, 0.5);
  EXPECT_DOUBLE_EQ(got.gate_mass_lost, 0.5);
}

TEST(LoadStats, ServingNobodyDropsEverything) {
  const MoeShape s{.tokens = 1, .experts = 4, .top_k = 1};
  const auto got = load_stats(s, routing({0, 0}, {}, {}), routing({0, 1}, {0}, {1}));
  EXPECT_EQ(got.dropped_tokens, 1);
  EXPECT_EQ(got.dropped_slots, 1);
  EXPECT_EQ(got.dead_experts, 4);
  EXPECT_EQ(got.max_over_mean, 0);
  EXPECT_FALSE(got.max_over_min);
}

TEST(LoadStats, WithoutTokensIsZero) {
  const MoeShape s{.tokens = 0, .experts = 3, .top_k = 1};
  const auto got = load_stats(s, routing({0}, {}, {}), routing({0}, {}, {}));
  EXPECT_THAT(got.tokens_per_expert, testing::ElementsAre(0, 0, 0));
  EXPECT_EQ(got.max_over_mean + got.entropy + got.multinomial_floor + got.dropped_tokens, 0);
  EXPECT_EQ(got.dead_experts, 0);
  EXPECT_FALSE(got.max_over_min);
}

TEST(LoadStats, OneExpertIsAlwaysEven) {
  const auto got = of_counts({5});
  EXPECT_EQ(got.max_over_mean, 1);
  EXPECT_EQ(got.entropy, 1);
  EXPECT_EQ(got.multinomial_floor, 0);
}

}  // namespace
}  // namespace moe::harness
