#include "harness/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

namespace moe::harness {
namespace {

std::vector<double> one_to(int n) {
  std::vector<double> v(n);
  std::iota(v.begin(), v.end(), 1.0);
  return v;
}

TEST(Quantile, MedianOfAnEvenCountLiesBetween) { EXPECT_DOUBLE_EQ(median(one_to(4)), 2.5); }
TEST(Quantile, EndsAreTheExtremes) {
  EXPECT_DOUBLE_EQ(quantile(one_to(7), 0), 1);
  EXPECT_DOUBLE_EQ(quantile(one_to(7), 1), 7);
}
TEST(Quantile, OfNothingIsNotANumber) { EXPECT_TRUE(std::isnan(median({}))); }

// The smallest samples that can carry an interval, from the binomial distribution.
TEST(QuantileInterval, NeedsSixSamplesForTheMedian) {
  EXPECT_FALSE(quantile_ci95(one_to(5), 0.5));
  EXPECT_TRUE(quantile_ci95(one_to(6), 0.5));
}
TEST(QuantileInterval, Needs72SamplesForTheP95) {
  EXPECT_FALSE(quantile_ci95(one_to(71), 0.95));
  EXPECT_TRUE(quantile_ci95(one_to(73), 0.95));
}
TEST(QuantileInterval, Needs368SamplesForTheP99) {
  EXPECT_FALSE(quantile_ci95(one_to(367), 0.99));
  EXPECT_TRUE(quantile_ci95(one_to(368), 0.99));
}
TEST(QuantileInterval, OfTenIsSecondToNinth) {  // the textbook's table for the median
  const auto ci = quantile_ci95(one_to(10), 0.5);
  ASSERT_TRUE(ci);
  EXPECT_DOUBLE_EQ((*ci)[0], 2);
  EXPECT_DOUBLE_EQ((*ci)[1], 9);
}

}  // namespace
}  // namespace moe::harness
