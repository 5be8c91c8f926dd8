#include "harness/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace moe::harness {
namespace {

// P(X <= k) for X ~ Binomial(n, q), for every k: [n + 1].
std::vector<double> binomial_cdf(std::size_t n, double q) {
  std::vector<double> cdf(n + 1);
  double sum = 0;
  for (std::size_t k = 0; k <= n; ++k) {
    const double ways = std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0);
    sum += std::exp(ways + k * std::log(q) + (n - k) * std::log1p(-q));
    cdf[k] = sum;
  }
  return cdf;
}

}  // namespace

double quantile(std::span<const double> samples, double q) {
  if (samples.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> sorted(samples.begin(), samples.end());
  std::ranges::sort(sorted);
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

std::optional<std::array<double, 2>> quantile_ci95(std::span<const double> samples, double q) {
  std::vector<double> sorted(samples.begin(), samples.end());
  std::ranges::sort(sorted);
  const std::size_t n = sorted.size();
  if (n == 0) return std::nullopt;
  // [x_(l), x_(u)] (ranks from 1) covers the quantile with P(l <= X < u); 2.5 % are left outside
  // on either side.
  const auto cdf = binomial_cdf(n, q);
  std::size_t lower = 0;
  while (lower < n && cdf[lower] <= 0.025) ++lower;
  std::size_t upper = n;
  while (upper > 0 && 1 - cdf[upper - 1] <= 0.025) --upper;
  ++upper;
  if (lower == 0 || upper > n) return std::nullopt;
  return std::array{sorted[lower - 1], sorted[upper - 1]};
}

}  // namespace moe::harness
