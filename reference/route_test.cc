#include "reference/route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

namespace moe::reference {
namespace {

using nlohmann::json;
using Matrix = std::vector<std::vector<double>>;
using Ids = std::vector<std::vector<std::int32_t>>;

// T = 8, E = 4; printed with 9 decimals, so a value is known to 5e-10, and a weight computed from
// such logits to twice that.
constexpr double kPrinted = 1e-9;

json golden(const char* key) {
  std::ifstream file(MOEBENCH_SOURCE_DIR "/reference/testdata/golden_routing.json");
  return json::parse(file).at(key);
}

struct Case {
  MoeShape shape{};
  std::vector<double> logits{};

  BasicRouting<double> route(const RoutingPolicy& policy) const {
    return reference::route<double>(policy, shape,
                                    packed(logits.data(), shape.tokens, shape.experts));
  }
};

Case golden_case(std::int64_t top_k, bool renormalize) {
  Case c{{.tokens = 8, .experts = 4, .top_k = top_k, .renormalize = renormalize}, {}};
  for (const auto& row : golden("logits").get<Matrix>()) {
    c.logits.insert(c.logits.end(), row.begin(), row.end());
  }
  return c;
}

void expect_rows(const BasicRouting<double>& got, const Ids& ids, const Matrix& weights) {
  ASSERT_EQ(got.tokens(), static_cast<std::int64_t>(ids.size()));
  for (std::size_t t = 0; t < ids.size(); ++t) {
    ASSERT_EQ(got.offsets[t + 1] - got.offsets[t], static_cast<int>(ids[t].size())) << t;
    for (std::size_t k = 0; k < ids[t].size(); ++k) {
      EXPECT_EQ(got.expert[got.offsets[t] + k], ids[t][k]) << "token " << t;
      EXPECT_NEAR(got.weight[got.offsets[t] + k], weights[t][k], kPrinted) << "token " << t;
    }
  }
}

TEST(RouteGolden, SoftmaxOverAllExperts) {
  const auto got = golden_case(4, false).route(TokenChoice{});
  const auto want = golden("softmax").get<Matrix>();
  for (int t = 0; t < 8; ++t) {
    for (int a = got.offsets[t]; a < got.offsets[t + 1]; ++a) {
      EXPECT_NEAR(got.weight[a], want[t][got.expert[a]], kPrinted);
    }
  }
}
TEST(RouteGolden, TopTwoOverAllExperts) {
  expect_rows(golden_case(2, false).route(TokenChoice{}), golden("top2"), golden("w_no_renorm"));
}
TEST(RouteGolden, TopTwoOverTheChosen) {
  expect_rows(golden_case(2, true).route(TokenChoice{}), golden("top2"), golden("w_renorm"));
}

// One expert a token; null where it was dropped: [expert, place in the buffer, weight].
void expect_switch(const char* key, const TokenChoiceCapped& policy) {
  Ids ids;
  Matrix weights;
  const auto tokens = golden("switch").at(key);
  for (const auto& token : tokens) {
    ids.emplace_back();
    weights.emplace_back();
    if (token.is_null()) continue;
    ids.back().push_back(token[0]);
    weights.back().push_back(token[2]);
  }
  expect_rows(golden_case(1, false).route(policy), ids, weights);
}

// capacity() is factor * K T / E = 2 factor here.
TEST(RouteGolden, SwitchDropsTheLateTokens) {
  expect_switch("C2_position_order", {.factor = 1});
  expect_switch("C3_position_order", {.factor = 1.5F});
}
TEST(RouteGolden, SwitchByPriorityDropsTheUndecided) {
  expect_switch("C2_bpr_order", {.factor = 1, .order = DropOrder::kPriority});
}

// I[e]: the tokens of expert e, best first; G[e]: their weights.
void expect_expert_choice(const char* key, float factor) {
  const auto want = golden(key);
  const auto got = golden_case(1, false).route(ExpertChoice{.factor = factor});
  std::vector<std::vector<std::pair<double, int>>> of(4);
  for (int t = 0; t < 8; ++t) {
    EXPECT_EQ(got.offsets[t + 1] - got.offsets[t], want.at("experts_per_token")[t]);
    for (int a = got.offsets[t]; a < got.offsets[t + 1]; ++a) {
      of[got.expert[a]].push_back({-got.weight[a], t});
    }
  }
  for (int e = 0; e < 4; ++e) {
    std::ranges::sort(of[e]);
    ASSERT_EQ(of[e].size(), want.at("k").get<std::size_t>());
    for (std::size_t i = 0; i < of[e].size(); ++i) {
      EXPECT_EQ(of[e][i].second, want.at("I")[e][i]) << "expert " << e;
      EXPECT_NEAR(-of[e][i].first, want.at("G")[e][i].get<double>(), kPrinted);
    }
  }
}
TEST(RouteGolden, ExpertChoiceOfOneExpertATokenOnAverage) {
  expect_expert_choice("expert_choice_c1", 1);
}
TEST(RouteGolden, ExpertChoiceOfTwoExpertsATokenOnAverage) {
  expect_expert_choice("expert_choice_c2", 2);
}

// Three of four tokens choose expert 0.
Case four_tokens(bool renormalize) {
  return {{.tokens = 4, .experts = 2, .top_k = 1, .renormalize = renormalize},
          {3, 0, 2, 0, 1, 0, 0, 1}};
}

TEST(TokenRounding, TakesThoseThatLikeTheExpertMost) {
  const auto up = four_tokens(true).route(TokenRounding{.tile = 2});
  EXPECT_EQ(up.offsets, (std::vector<std::int32_t>{0, 1, 2, 4, 6}));
  EXPECT_EQ(up.expert, (std::vector<std::int32_t>{0, 0, 0, 1, 1, 0}));
  // Over what the token would have had alone: the expert of its own choice weighs 1.
  EXPECT_DOUBLE_EQ(up.weight[2], 1);
  EXPECT_DOUBLE_EQ(up.weight[3], std::exp(-1.0));
  EXPECT_DOUBLE_EQ(up.weight[5], std::exp(-1.0));
  const auto plain = four_tokens(false).route(TokenRounding{.tile = 2});
  EXPECT_DOUBLE_EQ(plain.weight[3], 1 / (1 + std::exp(1.0)));
}

TEST(TokenRounding, LeavesOutThoseThatLikeTheExpertLeast) {
  const auto down = four_tokens(true).route(TokenRounding{.tile = 2, .rounding = Rounding::kFloor});
  EXPECT_EQ(down.offsets, (std::vector<std::int32_t>{0, 1, 2, 2, 2}));
  EXPECT_EQ(down.expert, (std::vector<std::int32_t>{0, 0}));
}

TEST(TokenRounding, RoundsHalvesUpAndNeverBeyondTheTokens) {
  EXPECT_EQ(rounded_count({.tile = 14}, 6, 100), 0);
  EXPECT_EQ(rounded_count({.tile = 14}, 7, 100), 14);
  EXPECT_EQ(rounded_count({.tile = 14}, 20, 100), 14);
  EXPECT_EQ(rounded_count({.tile = 14}, 21, 100), 28);
  EXPECT_EQ(rounded_count({.tile = 14}, 9, 10), 10);
  EXPECT_EQ(rounded_count({.tile = 14, .rounding = Rounding::kCeil}, 1, 100), 14);
  EXPECT_EQ(rounded_count({.tile = 14, .rounding = Rounding::kCeil}, 0, 100), 0);
  EXPECT_EQ(rounded_count({.tile = 14, .rounding = Rounding::kFloor}, 27, 100), 14);
}

TEST(TokenRounding, InTilesOfOneIsTokenChoice) {
  const Case c = golden_case(2, true);
  EXPECT_EQ(c.route(TokenRounding{.tile = 1}).expert, c.route(TokenChoice{}).expert);
}

// Properties of every policy, on logits that repeat no value within a row.

const std::vector<RoutingPolicy> kPolicies = {
    TokenChoice{}, TokenChoiceCapped{.factor = 1},
    TokenChoiceCapped{.factor = 1, .order = DropOrder::kPriority}, ExpertChoice{.factor = 1},
    TokenRounding{.tile = 4}};

Case some_case(bool renormalize = true) {
  Case c{{.tokens = 40, .experts = 6, .top_k = 2, .renormalize = renormalize}, {}};
  for (int i = 0; i < 240; ++i) c.logits.push_back(std::remainder(0.73 * i * i + 0.11 * i, 5.0));
  return c;
}

// [T, E], 0 where there is no assignment.
std::vector<double> dense(const BasicRouting<double>& r, std::int64_t experts) {
  std::vector<double> w(static_cast<std::size_t>(r.tokens() * experts), 0);
  for (std::int64_t t = 0; t < r.tokens(); ++t) {
    for (int a = r.offsets[t]; a < r.offsets[t + 1]; ++a) {
      w[t * experts + r.expert[a]] = r.weight[a];
    }
  }
  return w;
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-14) << i;
}

TEST(RouteProperty, RelabellingTheExpertsRelabelsTheRouting) {
  const std::vector<int> label = {3, 0, 5, 1, 4, 2};
  const auto c = some_case();
  auto relabelled = c;
  for (int i = 0; i < 240; ++i) relabelled.logits[i / 6 * 6 + label[i % 6]] = c.logits[i];
  for (const auto& policy : kPolicies) {
    const auto before = dense(c.route(policy), 6);
    auto expected = before;
    for (int i = 0; i < 240; ++i) expected[i / 6 * 6 + label[i % 6]] = before[i];
    expect_near(dense(relabelled.route(policy), 6), expected);
  }
}

TEST(RouteProperty, AddingAConstantToATokensLogitsChangesNothing) {
  const auto c = some_case(false);
  auto shifted = c;
  for (int i = 0; i < 240; ++i) shifted.logits[i] += 32 * (i / 6 % 3);
  for (const auto& policy : kPolicies) {
    expect_near(dense(shifted.route(policy), 6), dense(c.route(policy), 6));
  }
}

std::vector<std::int64_t> loads(const BasicRouting<double>& r, std::int64_t experts) {
  std::vector<std::int64_t> n(static_cast<std::size_t>(experts), 0);
  for (const auto e : r.expert) ++n[e];
  return n;
}

TEST(RouteProperty, NoExpertServesMoreThanItsCapacity) {
  const auto c = some_case();
  const auto most = capacity(c.shape, 0.7F, Rounding::kCeil);
  for (const auto order : {DropOrder::kPosition, DropOrder::kPriority}) {
    const auto n = loads(c.route(TokenChoiceCapped{.factor = 0.7, .order = order}), 6);
    EXPECT_THAT(n, testing::Each(testing::Le(most)));
    EXPECT_THAT(n, testing::Contains(most));
  }
}

TEST(RouteProperty, TokenChoiceMakesEveryAssignmentAskedFor) {
  const auto c = some_case();
  EXPECT_EQ(c.route(TokenChoice{}).assignments(), 40 * 2);
  EXPECT_EQ(c.route(TokenChoiceCapped{.factor = 6}).assignments(), 40 * 2);
}

TEST(RouteProperty, ExpertChoiceLoadsEveryExpertTheSame) {
  const auto n = loads(some_case().route(ExpertChoice{.factor = 1}), 6);
  EXPECT_THAT(n, testing::Each(13));  // 2 * 40 / 6 to the nearest
}

TEST(RouteProperty, WeightsSumToOneWhenRenormalisedAndToLessWhenNot) {
  for (const bool renormalize : {true, false}) {
    const auto r = some_case(renormalize).route(TokenChoice{});
    for (int t = 0; t < 40; ++t) {
      const double sum = r.weight[2 * t] + r.weight[2 * t + 1];
      if (renormalize) {
        EXPECT_NEAR(sum, 1, 1e-15);
      } else {
        EXPECT_LT(sum, 1 - 1e-6);
      }
    }
  }
}

TEST(RouteProperty, TiesGoToTheLowerExpertAndTheLowerToken) {
  const Case c{{.tokens = 3, .experts = 4, .top_k = 2}, std::vector<double>(12, 0.5)};
  EXPECT_THAT(c.route(TokenChoice{}).expert, testing::ElementsAre(0, 1, 0, 1, 0, 1));
  const auto chosen = c.route(ExpertChoice{.factor = 0.5});  // 0.75 tokens: one
  EXPECT_THAT(chosen.offsets, testing::ElementsAre(0, 4, 4, 4));
}

// Whether the routing of the first `kept` tokens stays when the tokens after them change.
bool ignores_the_future(const RoutingPolicy& policy, std::int64_t kept) {
  const auto c = some_case();
  auto changed = c;
  for (std::size_t i = kept * 6; i < c.logits.size(); ++i) changed.logits[i] = 5 - c.logits[i] * 3;
  auto before = dense(c.route(policy), 6);
  auto after = dense(changed.route(policy), 6);
  before.resize(kept * 6);
  after.resize(kept * 6);
  return before == after;
}

TEST(RouteCausality, TokenChoiceIgnoresTheFuture) {
  EXPECT_TRUE(ignores_the_future(TokenChoice{}, 20));
}
TEST(RouteCausality, SwitchInPositionOrderIgnoresTheFuture) {
  auto c = golden_case(1, false);
  const auto before = dense(c.route(TokenChoiceCapped{.factor = 1}), 4);
  for (std::size_t i = 16; i < 32; ++i) c.logits[i] = 5 - c.logits[i] * 3;
  const auto after = dense(c.route(TokenChoiceCapped{.factor = 1}), 4);
  EXPECT_TRUE(std::equal(before.begin(), before.begin() + 16, after.begin()));
}
// Known leaks, which is why these policies are for prefill and encoders only. With K = 2 even
// position order leaks: all first choices are served before any second one.
TEST(RouteCausality, ExpertChoiceLooksIntoTheFuture) {
  EXPECT_FALSE(ignores_the_future(ExpertChoice{.factor = 1}, 20));
}
TEST(RouteCausality, PriorityOrderLooksIntoTheFuture) {
  EXPECT_FALSE(
      ignores_the_future(TokenChoiceCapped{.factor = 0.7, .order = DropOrder::kPriority}, 20));
}
TEST(RouteCausality, SecondChoicesUnderACapacityLookIntoTheFuture) {
  EXPECT_FALSE(ignores_the_future(TokenChoiceCapped{.factor = 0.7}, 20));
}

}  // namespace
}  // namespace moe::reference
