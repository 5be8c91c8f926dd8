#include "harness/variates.h"

#include <algorithm>
#include <cmath>

#include "harness/portable_math.h"

namespace moe::harness {

// Ratio of uniforms (Kinderman and Monahan 1977): a uniform point (u, v) of
// {0 < u <= exp(-(v/u)^2 / 4)} has a normal v / u. Needs a logarithm and nothing else.
double normal(Draws& draws) {
  constexpr double kHalfWidth = 0.8577638849607068;  // sqrt(2 / e), the region's extent in v
  for (;;) {
    const double u = draws.unit();
    const double v = kHalfWidth * (2 * draws.unit() - 1);
    const double x = v / u;
    if (x * x <= -4 * portable_log(u)) return x;
  }
}

// Marsaglia and Tsang 2000 for shape >= 1; below, Gamma(a) = Gamma(a + 1) * U^(1/a).
double log_gamma_variate(double shape, Draws& draws) {
  if (shape < 1) {
    const double larger = log_gamma_variate(shape + 1, draws);
    return larger + portable_log(draws.unit()) / shape;
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);  // IEEE 754 rounds a square root correctly: same bits
  for (;;) {
    const double x = normal(draws);
    const double root = 1 + c * x;
    const double u = draws.unit();
    if (root <= 0) continue;
    const double v = root * root * root;
    const double log_v = portable_log(v);
    if (portable_log(u) < 0.5 * x * x + d - d * v + d * log_v) return portable_log(d) + log_v;
  }
}

std::vector<double> dirichlet(std::int64_t n, double alpha, Draws& draws) {
  std::vector<double> p(static_cast<std::size_t>(n));
  for (double& v : p) v = log_gamma_variate(alpha, draws);
  const double most = std::ranges::max(p);
  double sum = 0;
  for (double& v : p) sum += v = portable_exp(v - most);
  for (double& v : p) v /= sum;
  return p;
}

}  // namespace moe::harness
