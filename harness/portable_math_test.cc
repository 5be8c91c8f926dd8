#include "harness/portable_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace moe::harness {
namespace {

double relative(double got, double want) {
  return want == 0 ? std::abs(got) : std::abs(got - want) / std::abs(want);
}

TEST(PortableMath, LogarithmAgreesWithTheLibraryEverywhere) {
  double worst = 0;
  for (double x = 1e-300; x < 1e300; x *= 1.0173) {
    worst = std::max(worst, relative(portable_log(x), std::log(x)));
  }
  for (double x = 0.5; x < 2; x += 1.0 / 4096) {  // close to the zero at 1
    worst = std::max(worst, relative(portable_log(x), std::log(x)));
  }
  EXPECT_LE(worst, 1e-12);
}

TEST(PortableMath, ExponentialAgreesWithTheLibraryEverywhere) {
  double worst = 0;
  for (double x = -700; x < 700; x += 0.0371) {
    worst = std::max(worst, relative(portable_exp(x), std::exp(x)));
  }
  EXPECT_LE(worst, 1e-12);
}

TEST(PortableMath, ExponentialEndsAtZeroAndInfinity) {
  EXPECT_EQ(portable_exp(-1000), 0);
  EXPECT_EQ(portable_exp(1000), std::numeric_limits<double>::infinity());
  EXPECT_EQ(portable_exp(0), 1);
  EXPECT_EQ(portable_log(1), 0);
}

// The bits themselves, so that a compiler that contracts or reorders is caught.
TEST(PortableMath, GivesTheSameBitsFromEveryCompiler) {
  double sum = 0;
  for (int i = 1; i <= 1000; ++i) sum += portable_log(i / 7.0) * portable_exp(-i / 131.0);
  EXPECT_EQ(sum, 0x1.35b0a2d593bbcp+8) << std::hexfloat << sum;
}

}  // namespace
}  // namespace moe::harness
