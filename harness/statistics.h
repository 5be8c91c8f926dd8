#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <span>

namespace moe::harness {

// Order statistics of samples in any order. No means: one slow sample moves a mean anywhere.

// The q-quantile, 0 <= q <= 1, linearly interpolated between neighbours. NaN of no samples.
double quantile(std::span<const double> samples, double q);
inline double median(std::span<const double> samples) { return quantile(samples, 0.5); }

// The two order statistics that enclose the q-quantile with 95 % confidence, whatever the
// distribution: their ranks come from the binomial distribution. Absent when the sample is too
// small for one: below 6 for the median, 72 for the p95, 368 for the p99.
std::optional<std::array<double, 2>> quantile_ci95(std::span<const double> samples, double q);

}  // namespace moe::harness
