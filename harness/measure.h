#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace moe::harness {

// The time of one cell. Nanoseconds of wall clock for one run of the strategy.
struct Timing {
  std::vector<double> samples_ns{};  // every one, in the order taken; none is thrown away
  std::int64_t runs_per_sample = 1;  // a sample is the mean of this many runs in a row
  double min_ns = 0;
  double p05_ns = 0;
  double median_ns = 0;
  double p95_ns = 0;
  std::optional<std::array<double, 2>> median_ci95_ns{};  // order statistics; needs 6 samples
  std::optional<double> p99_ns{};                         // needs 368 samples
  double prepare_ns = 0;                                  // once per layer: packing, allocating
  std::map<std::string, double> stages_ns{};  // medians of a separate, instrumented pass
  double unattributed_ns = 0;                 // median_ns minus the stages; negative: overhead of
                                              // the instrumentation
};

}  // namespace moe::harness
