#include "kernels/cpu/detail/top_k.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moe::cpu {
namespace {

using testing::ElementsAre;
using testing::FloatEq;

TopK select(MoeShape shape, const std::vector<float>& logits) {
  shape.tokens = static_cast<std::int64_t>(logits.size()) / shape.experts;
  TopK top;
  top.reserve(shape);
  top.select(shape, packed(logits.data(), shape.tokens, shape.experts));
  return top;
}

TEST(TopK, BestFirst) {
  EXPECT_THAT(select({.experts = 4, .top_k = 3}, {1, 4, 2, 3}).expert, ElementsAre(1, 3, 2));
}

TEST(TopK, TiesGoToTheLowerExpert) {
  EXPECT_THAT(select({.experts = 4, .top_k = 2}, {1, 1, 1, 1}).expert, ElementsAre(0, 1));
  EXPECT_THAT(select({.experts = 4, .top_k = 2}, {0, 1, 2, 1}).expert, ElementsAre(2, 1));
}

TEST(TopK, ATieOfTheLastPlaceKeepsTheEarlier) {
  EXPECT_THAT(select({.experts = 5, .top_k = 2}, {3, 1, 1, 1, 1}).expert, ElementsAre(0, 1));
}

TEST(TopK, AllExpertsMayBeAsked) {
  EXPECT_THAT(select({.experts = 3, .top_k = 3}, {-5, -7, -6}).expert, ElementsAre(0, 2, 1));
}

TEST(TopK, RenormalizedWeightsAreASoftmaxOverTheChosen) {
  const auto top = select({.experts = 3, .top_k = 2, .renormalize = true}, {0, 0, -9});
  EXPECT_THAT(top.weight, ElementsAre(0.5F, 0.5F));
}

TEST(TopK, OtherwiseOverAll) {
  const auto top = select({.experts = 4, .top_k = 2, .renormalize = false}, {1, 1, 1, 1});
  EXPECT_THAT(top.weight, ElementsAre(0.25F, 0.25F));
}

TEST(TopK, LargeLogitsDoNotOverflow) {
  const auto top = select({.experts = 2, .top_k = 2, .renormalize = true}, {3e38F, -3e38F});
  EXPECT_THAT(top.weight, ElementsAre(FloatEq(1), FloatEq(0)));
}

}  // namespace
}  // namespace moe::cpu
