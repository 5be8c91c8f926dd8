#include "harness/compare_routing.h"

#include <gtest/gtest.h>

#include <vector>

#include "reference/route.h"

namespace moe::harness {
namespace {

constexpr MoeShape kShape{
    .tokens = 4, .hidden = 1, .ffn = 1, .experts = 2, .top_k = 1, .renormalize = false};

// Both experts like the tokens in the order 0, 1, 2, 3; tokens 1 and 2 differ by less than rounding
// can.
std::vector<float> logits(float second, float third) { return {3, 0, second, 0, third, 0, -3, 0}; }

Routing expert_choice(const std::vector<float>& l) {
  return reference::route<float>(ExpertChoice{1.0}, kShape, packed(l.data(), 4, 2));
}

RoutingComparison compare(const std::vector<float>& l, const Routing& got) {
  return compare_routing(ExpertChoice{1.0}, kShape, packed(l.data(), 4, 2), got);
}

// Expert 0 takes tokens 0 and `first`, expert 1 tokens 3 and `second`, with the weights they have.
Routing taking(std::int32_t first, std::int32_t second, const std::vector<float>& l) {
  MoeShape all = kShape;
  all.top_k = 2;
  const auto p = reference::route<float>(TokenChoice{}, all, packed(l.data(), 4, 2));
  Routing out{{0}, {}, {}};
  for (std::int32_t t = 0; t < 4; ++t) {
    for (auto a = p.offsets[t]; a < p.offsets[t + 1]; ++a) {
      const bool zero = p.expert[a] == 0 && (t == 0 || t == first);
      const bool one = p.expert[a] == 1 && (t == 3 || t == second);
      if (!zero && !one) continue;
      out.expert.push_back(p.expert[a]);
      out.weight.push_back(p.weight[a]);
    }
    out.offsets.push_back(static_cast<std::int32_t>(out.expert.size()));
  }
  return out;
}

TEST(CompareRouting, PassesThePolicysOwn) {
  const auto l = logits(1, 0.5F);
  EXPECT_EQ(compare(l, expert_choice(l)).fault, "");
}

TEST(CompareRouting, CountsANearTieAndLetsItPass) {
  const auto l = logits(1, std::nextafter(1.0F, 0.0F));
  const auto result = compare(l, taking(2, 1, l));
  EXPECT_EQ(result.fault, "");
  EXPECT_EQ(result.near_ties, 2);  // one for each expert
}

TEST(CompareRouting, RefusesTheHigherTokenOfAnExactTie) {
  const auto l = logits(1, 1);
  EXPECT_EQ(compare(l, taking(1, 1, l)).differences, 0);
  EXPECT_NE(compare(l, taking(2, 1, l)).differences, 0);
  EXPECT_NE(compare(l, taking(1, 2, l)).differences, 0);
}

TEST(CompareRouting, RefusesATokenThatIsLikedLess) {
  const auto l = logits(1, 0.9F);
  EXPECT_EQ(compare(l, taking(1, 2, l)).differences, 0);
  EXPECT_NE(compare(l, taking(2, 1, l)).differences, 0);
}

// Token rounding: an expert that takes fewer than chose it may exchange two that it likes the same.
TEST(CompareRouting, LetsTokenRoundingExchangeNearTiesOfOneKind) {
  const auto l = logits(1, std::nextafter(1.0F, 0.0F));
  const TokenRounding policy{.tile = 2, .rounding = Rounding::kFloor};
  const auto view = packed(l.data(), 4, 2);
  auto r = reference::route<float>(policy, kShape, view);
  ASSERT_EQ(r.offsets, (std::vector<std::int32_t>{0, 1, 2, 2, 2}));
  EXPECT_EQ(compare_routing(policy, kShape, view, r).fault, "");
  r.offsets = {0, 1, 1, 2, 2};
  const auto result = compare_routing(policy, kShape, view, r);
  EXPECT_EQ(result.fault, "");
  EXPECT_EQ(result.near_ties, 1);
}

// ... but not one that chose it for one that did not.
TEST(CompareRouting, RefusesAStrangerInTokenRounding) {
  const float less = std::nextafter(1.0F, 0.0F);
  const std::vector<float> l = {9, 0, 1, less, less, 1, 9, 0};
  const auto view = packed(l.data(), 4, 2);
  const TokenRounding policy{.tile = 1};
  auto r = reference::route<float>(policy, kShape, view);
  ASSERT_EQ(r.expert, (std::vector<std::int32_t>{0, 0, 1, 0}));
  EXPECT_EQ(compare_routing(policy, kShape, view, r).fault, "");
  r.expert = {0, 1, 0, 0};
  EXPECT_NE(compare_routing(policy, kShape, view, r).differences, 0);
}

TEST(CompareRouting, RefusesWhatIsNotFinite) {
  const auto l = logits(1, 0.5F);
  auto r = expert_choice(l);
  r.weight[0] = std::nanf("");
  EXPECT_NE(compare(l, r).fault, "");
}

TEST(CompareRouting, RefusesFallingOffsets) {
  const auto l = logits(1, 0.5F);
  auto r = expert_choice(l);
  r.offsets[1] = r.offsets[2] + 1;
  EXPECT_NE(compare(l, r).fault, "");
}

}  // namespace
}  // namespace moe::harness
