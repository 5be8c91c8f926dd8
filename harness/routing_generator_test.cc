#include "harness/routing_generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>
#include <span>

namespace moe::harness {
namespace {

using Counts = std::vector<std::int64_t>;

MoeShape shape(std::int64_t tokens, std::int64_t experts, std::int64_t top_k) {
  return {.tokens = tokens, .experts = experts, .top_k = top_k};
}

Counts counts(const Selection& selection, const MoeShape& s) {
  Counts n(static_cast<std::size_t>(s.experts), 0);
  for (const auto e : selection.ids) ++n[e];
  return n;
}

std::int64_t busiest(const Counts& n) { return std::ranges::max_element(n) - n.begin(); }

double max_over_mean(const Counts& n) {
  const double mean = std::accumulate(n.begin(), n.end(), 0.0) / static_cast<double>(n.size());
  return static_cast<double>(std::ranges::max(n)) / mean;
}

struct Realised {
  double max_over_mean = 0;
  double active = 0;
};

// The mean over seeds: one draw of a heavy-tailed law says little.
Realised realised(const RoutingGenerator& generator, const MoeShape& s, int seeds) {
  Realised r;
  for (int seed = 0; seed < seeds; ++seed) {
    const Counts n = counts(generate_selection(generator, s, seed), s);
    r.max_over_mean += max_over_mean(n) / seeds;
    r.active += static_cast<double>(s.experts - std::ranges::count(n, 0)) / seeds;
  }
  return r;
}

void expect_realised(const RoutingGenerator& generator, const MoeShape& s, int seeds,
                     double max_over_mean, double active) {
  const auto r = realised(generator, s, seeds);
  EXPECT_NEAR(r.max_over_mean, max_over_mean, 0.1 * max_over_mean);
  EXPECT_NEAR(r.active, active, 0.1 * active);
}

const std::vector<RoutingGenerator> kAll = {
    Balanced{}, Uniform{}, Zipf{2}, Dirichlet{0.05}, Hot{1, 1}, Collapse{}, Correlated{2, 7}};

TEST(RoutingGenerator, EveryTokenGetsDistinctExpertsOfTheLayer) {
  for (const auto& [T, E, K] :
       {std::array{65, 8, 2}, {33, 7, 7}, {5, 1, 1}, {17, 60, 4}, {1, 6, 5}}) {
    const auto s = shape(T, E, K);
    for (const auto& generator : kAll) {
      const auto selection = generate_selection(generator, s, 3);
      ASSERT_EQ(selection.ids.size(), static_cast<std::size_t>(T * K));
      for (int t = 0; t < T; ++t) {
        const auto row = selection.ids.begin() + t * K;
        EXPECT_EQ(std::set(row, row + K).size(), static_cast<std::size_t>(K)) << generator.index();
        EXPECT_TRUE(std::all_of(row, row + K, [&](int e) { return e >= 0 && e < s.experts; }));
      }
    }
  }
}

TEST(RoutingGenerator, NoTokensIsNoSelection) {
  for (const auto& generator : kAll) {
    EXPECT_TRUE(generate_selection(generator, shape(0, 8, 2), 1).ids.empty());
  }
}

// max/mean and active experts, measured with another implementation (NumPy, Gumbel top-k).
TEST(RoutingGenerator, UniformIsAsUnevenAsChance) {
  expect_realised(Uniform{}, shape(4096, 64, 6), 4, 1.11, 64);
  expect_realised(Uniform{}, shape(4096, 256, 8), 4, 1.27, 256);
  expect_realised(Uniform{}, shape(16, 8, 2), 200, 1.67, 7.9);
}
TEST(RoutingGenerator, ZipfIsAsUnevenAsTheLawOfSuccessiveSampling) {
  expect_realised(Zipf{0.5}, shape(4096, 64, 6), 4, 3.90, 64);
  expect_realised(Zipf{1}, shape(4096, 64, 6), 4, 8.46, 64);
  expect_realised(Zipf{2}, shape(4096, 64, 6), 4, 10.66, 64);
  expect_realised(Zipf{1}, shape(4096, 256, 8), 2, 25.0, 256);
  expect_realised(Zipf{2}, shape(4096, 256, 8), 2, 32.0, 244);
}
TEST(RoutingGenerator, DirichletIsAsUnevenAsItsProportions) {
  expect_realised(Dirichlet{0.1}, shape(4096, 64, 6), 20, 9.15, 37);
  expect_realised(Dirichlet{0.1}, shape(4096, 256, 8), 10, 20.5, 133);
}
TEST(RoutingGenerator, CollapseIsTheWorstCase) {
  const auto s = shape(100, 64, 8);
  const Counts n = counts(generate_selection(Collapse{}, s, 1), s);
  EXPECT_DOUBLE_EQ(max_over_mean(n), 64.0 / 8);
  EXPECT_EQ(std::ranges::count(n, 0), 56);
}

// The exact law of two successive draws, p_a p_b / (1 - p_a), by chi-square: 11 degrees of freedom,
// 0.1 % of correct samplers exceed 31.3.
TEST(RoutingGenerator, SecondChoicesFollowTheLawOfTheRest) {
  const auto s = shape(200000, 4, 2);
  const auto selection = generate_selection(Zipf{1}, s, 11);
  Counts first(4, 0);
  std::vector<Counts> pairs(4, Counts(4, 0));
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    ++first[selection.ids[2 * t]];
    ++pairs[selection.ids[2 * t]][selection.ids[2 * t + 1]];
  }
  std::vector<std::size_t> order = {0, 1, 2, 3};
  std::ranges::sort(order, [&](auto a, auto b) { return first[a] > first[b]; });
  const double harmonic = 1 + 1.0 / 2 + 1.0 / 3 + 1.0 / 4;
  double chi2 = 0;
  for (int a = 0; a < 4; ++a) {
    for (int b = 0; b < 4; ++b) {
      if (a == b) continue;
      const double pa = 1 / harmonic / (a + 1), pb = 1 / harmonic / (b + 1);
      const double expected = 200000 * pa * pb / (1 - pa);
      chi2 += std::pow(static_cast<double>(pairs[order[a]][order[b]]) - expected, 2) / expected;
    }
  }
  EXPECT_LE(chi2, 31.3);
}

TEST(RoutingGenerator, HotExpertsAreInTheShareOfTokensAskedFor) {
  const auto s = shape(10000, 64, 4);
  const auto selection = generate_selection(Hot{1, 0.5}, s, 2);
  const Counts n = counts(selection, s);
  // Forced half, and the other half by chance 4/64; five standard deviations.
  EXPECT_NEAR(static_cast<double>(std::ranges::max(n)) / 10000, 0.5 + 0.5 * 4 / 64, 0.025);
  EXPECT_NEAR(static_cast<double>(std::ranges::max(n)) / 40000, selection.requested_share, 0.00625);
}
TEST(RoutingGenerator, HotAtOneIsInEveryToken) {
  const auto s = shape(100, 16, 2);
  EXPECT_EQ(std::ranges::max(counts(generate_selection(Hot{1, 1}, s, 2), s)), 100);
}

TEST(RoutingGenerator, CorrelatedTokensOfASequenceChooseAlike) {
  const auto s = shape(4096, 64, 4);
  const auto selection = generate_selection(Correlated{4, 64}, s, 2);
  Selection first{{selection.ids.begin(), selection.ids.begin() + 64 * 4}, 0};
  EXPECT_GE(max_over_mean(counts(first, s)), 2 * max_over_mean(counts(selection, s)));
}

TEST(RoutingGenerator, RequestedShareOfUnsaturatedLawsComesTrue) {
  const auto s = shape(20000, 16, 1);
  for (const RoutingGenerator& generator :
       std::vector<RoutingGenerator>{Uniform{}, Zipf{1}, Dirichlet{0.5}, Correlated{8, 100}}) {
    const auto selection = generate_selection(generator, s, 4);
    const double share = static_cast<double>(std::ranges::max(counts(selection, s))) / 20000;
    EXPECT_NEAR(share, selection.requested_share, 0.02) << generator.index();
  }
}

// Traps other routing simulators fell into.

TEST(RoutingTrap, ThePopularExpertIsNotAlwaysTheSame) {
  const auto s = shape(500, 16, 2);
  for (const RoutingGenerator& generator :
       std::vector<RoutingGenerator>{Zipf{1.5}, Dirichlet{0.1}, Hot{1, 1}, Collapse{}}) {
    std::set<std::int64_t> popular;
    for (int seed = 0; seed < 20; ++seed) {
      popular.insert(busiest(counts(generate_selection(generator, s, seed), s)));
    }
    EXPECT_GE(popular.size(), 6U) << generator.index();
  }
}

Counts rank_loads(std::span<const std::int32_t> ids, std::int64_t experts, std::int64_t ranks) {
  Counts n(static_cast<std::size_t>(ranks), 0);
  for (const auto e : ids) ++n[e / (experts / ranks)];
  return n;
}

// Round robin left every odd rank without a token; a cycle that starts at the same place left half
// of the ranks idle. So: even for experts and ranks, for all tokens and for any run of them.
TEST(RoutingTrap, BalancedIsEvenForExpertsAndForEveryRank) {
  for (const auto& [T, E, K] :
       {std::array{4096, 64, 6}, {7, 64, 6}, {3, 256, 8}, {129, 48, 5}, {10, 6, 4}, {1, 16, 2}}) {
    const auto s = shape(T, E, K);
    for (int seed = 0; seed < 5; ++seed) {
      const auto selection = generate_selection(Balanced{}, s, seed);
      const auto [least, most] = std::ranges::minmax(counts(selection, s));
      EXPECT_LE(most - least, 1);
      for (const int ranks : {1, 2, 4, 8, 16}) {
        if (E % ranks != 0) continue;
        const auto [low, high] = std::ranges::minmax(rank_loads(selection.ids, E, ranks));
        EXPECT_LE(high - low, 1) << "T " << T << " E " << E << " ranks " << ranks;
        const auto later = std::span(selection.ids).subspan(T / 3 * K);
        const auto [lower, higher] = std::ranges::minmax(rank_loads(later, E, ranks));
        EXPECT_LE(higher - lower, 1) << "from token " << T / 3;
      }
    }
  }
}

TEST(RoutingTrap, BalancedFirstChoicesAreSpreadToo) {
  const auto s = shape(1024, 16, 4);
  const auto selection = generate_selection(Balanced{}, s, 1);
  std::set<std::int32_t> first;
  for (std::int64_t t = 0; t < s.tokens; ++t) first.insert(selection.ids[t * 4]);
  EXPECT_EQ(first.size(), 16U);
}

TEST(RoutingTrap, BalancedDealsInAnotherOrderForAnotherSeed) {
  const auto s = shape(8, 64, 2);
  EXPECT_NE(generate_selection(Balanced{}, s, 1).ids, generate_selection(Balanced{}, s, 2).ids);
}

// At small batches balanced activates more experts than chance does: there it is the cheap case
// for waiting and the dear one for weight traffic.
TEST(RoutingTrap, BalancedActivatesMoreExpertsThanUniformAtSmallBatch) {
  const auto s = shape(16, 64, 4);
  EXPECT_EQ(realised(Balanced{}, s, 5).active, 64);
  EXPECT_LE(realised(Uniform{}, s, 20).active, 64 * (1 - std::pow(1 - 4.0 / 64, 16)) * 1.05);
}

}  // namespace
}  // namespace moe::harness
