#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "harness/workload.h"
#include "reference/moe_layer.h"
#include "reference/route.h"

namespace moe::harness {
namespace {

// T, H, F, E, K
const std::vector<std::array<std::int64_t, 5>> kShapes = {
    {17, 32, 40, 8, 2}, {9, 1, 5, 4, 2},       {9, 2, 1, 4, 2},
    {5, 16, 1, 3, 1},   {8, 24, 33, 1, 1},     {7, 31, 64, 8, 8},
    {6, 130, 17, 6, 5}, {40, 64, 200, 16, 16}, {0, 8, 8, 4, 2}};

MoeShape shape(const std::array<std::int64_t, 5>& a, bool renormalize) {
  return {.tokens = a[0],
          .hidden = a[1],
          .ffn = a[2],
          .experts = a[3],
          .top_k = a[4],
          .renormalize = renormalize};
}

template <class Real>
std::vector<Real> output(const Workload& w, const RoutingPolicy& policy) {
  const MoeShape& s = w.shape;
  const std::vector<Real> x(w.x.begin(), w.x.end()), g(w.logits.begin(), w.logits.end());
  const auto routing = reference::route<Real>(policy, s, packed(g.data(), s.tokens, s.experts));
  return reference::moe_layer<Real>(s, *w.weights, packed(x.data(), s.tokens, s.hidden), routing);
}

bool same_bits(const std::vector<float>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float u, double v) {
    return std::bit_cast<std::uint64_t>(static_cast<double>(u)) == std::bit_cast<std::uint64_t>(v);
  });
}

TEST(ExactWorkload, FloatAndDoubleAgreeBitForBit) {
  const std::vector<RoutingPolicy> policies = {TokenChoice{}, TokenChoiceCapped{.factor = 0.5},
                                               ExpertChoice{}};
  for (const auto& numbers : kShapes) {
    for (const auto& policy : policies) {
      for (const bool renormalize : {true, false}) {
        const auto w = make_exact_workload(shape(numbers, renormalize), 3);
        EXPECT_TRUE(same_bits(output<float>(w, policy), output<double>(w, policy)))
            << "H " << w.shape.hidden << " F " << w.shape.ffn << " E " << w.shape.experts
            << " policy " << policy.index();
      }
    }
  }
}

// The test above would pass on zeros.
TEST(ExactWorkload, MostOutputsAreNotZero) {
  const auto w = make_exact_workload(shape(kShapes[0], true), 3);
  const auto y = output<double>(w, TokenChoice{});
  EXPECT_LE(std::ranges::count(y, 0.0), static_cast<std::ptrdiff_t>(y.size() / 4));
}

TEST(ExactWorkload, EveryChosenExpertWeighsTheSame) {
  auto s = shape({20, 4, 4, 16, 8}, false);
  const auto w = make_exact_workload(s, 3);
  const auto logits = packed(w.logits.data(), s.tokens, s.experts);
  const auto routing = reference::route<float>(TokenChoice{}, w.shape, logits);
  EXPECT_EQ(std::ranges::count(routing.weight, 0.125F), routing.assignments());
}

TEST(ExactWorkload, RoundsKDownToAPowerOfTwoAndSaysSo) {
  EXPECT_EQ(make_exact_workload(shape({4, 4, 4, 8, 6}, true), 1).shape.top_k, 4);
  EXPECT_EQ(make_exact_workload(shape({4, 4, 4, 8, 1}, true), 1).shape.top_k, 1);
}

// Whole numbers below 2^24 in units of 1 / K, with room: the sum of absolute values is bounded too,
// so that no order of summation leaves float's exact range.
TEST(ExactWorkload, NoOrderOfSummationCanLeaveTheExactRange) {
  for (const auto& numbers : kShapes) {
    auto w = make_exact_workload(shape(numbers, true), 5);
    auto absolute = *w.weights;
    for (auto* weights : {&absolute.gate, &absolute.up, &absolute.down}) {
      for (float& v : *weights) v = std::abs(v);
    }
    for (float& v : w.x) v = std::abs(v);
    w.weights = std::make_shared<const ExpertWeights>(absolute);
    for (const double y : output<double>(w, TokenChoice{})) {
      EXPECT_LT(y * static_cast<double>(w.shape.top_k), 0x1p24);
    }
  }
}

// A bf16 strategy stores g u in bf16: 8 significant bits must do.
TEST(ExactWorkload, InBf16TheProductOfGateAndUpIsExactToo) {
  auto s = shape({6, 20, 15, 4, 2}, true);
  s.dtype = DType::kBf16;
  const auto w = make_exact_workload(s, 3);
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    for (std::int64_t r = 0; r < s.experts * s.ffn; ++r) {
      double g = 0, u = 0;
      for (std::int64_t i = 0; i < s.hidden; ++i) {
        g += w.x[t * s.hidden + i] * w.weights->gate[r * s.hidden + i];
        u += w.x[t * s.hidden + i] * w.weights->up[r * s.hidden + i];
      }
      EXPECT_TRUE(g >= 48 && g <= 80) << g;
      if (u != 0) {
        EXPECT_EQ(std::remainder(g * u, std::ldexp(1, std::ilogb(g * u) - 7)), 0) << g << " " << u;
      }
    }
  }
}

}  // namespace
}  // namespace moe::harness
