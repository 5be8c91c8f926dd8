#include "harness/portable_math.h"

#include <cmath>
#include <limits>

namespace moe::harness {
namespace {

// ln 2 = high + low; high has 21 zero bits at its end, so n * high is exact for |n| < 2^20 (the
// split of fdlibm).
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;

}  // namespace

double portable_log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);  // exact; m in [1/2, 1)
  if (m < 0.70710678118654752) {
    m *= 2;
    --exponent;
  }
  // ln m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ...), |s| <= 0.172: 13 terms reach 1e-20.
  const double s = (m - 1) / (m + 1);
  const double s2 = s * s;
  double series = 0;
  for (int n = 25; n >= 1; n -= 2) series = series * s2 + 1.0 / n;
  return exponent * kLn2High + (exponent * kLn2Low + 2 * s * series);
}

double portable_exp(double x) {
  if (x < -745.2) return 0;
  if (x > 709.79) return std::numeric_limits<double>::infinity();
  // e^x = 2^n e^r with |r| <= ln 2 / 2; Taylor: 0.3466^16 / 16! is 2e-21.
  const double n = std::floor(x * 1.4426950408889634 + 0.5);
  const double r = (x - n * kLn2High) - n * kLn2Low;
  double series = 1;
  for (int k = 16; k >= 1; --k) series = 1 + series * r / k;
  return std::ldexp(series, static_cast<int>(n));  // exact but for one rounding of denormals
}

}  // namespace moe::harness
