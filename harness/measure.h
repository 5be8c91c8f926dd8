#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/judge.h"
#include "harness/nvml.h"

namespace moe::harness {

// The time of one cell. Nanoseconds for one run of the strategy: of wall clock on the CPU, of the
// device's own clock elsewhere.
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
  std::optional<double> clock_mhz{};          // of the device, right after the samples
  std::vector<double> graph_samples_ns{};     // the run recorded once and launched as a whole
  std::int64_t graph_operations = 0;          // kernels, copies and fills of one run
  std::string graph_reason{};                 // why there are none
};

// A strategy whose runs take a time that means something. Of a simulated one there is no way to
// make this, and measure() takes nothing else: a count cannot be written down as a latency by
// mistake.
class Timeable {
 public:
  static std::optional<Timeable> of(const StrategyInfo& strategy);
  const StrategyInfo* operator->() const { return strategy_; }

 private:
  explicit Timeable(const StrategyInfo& strategy) : strategy_(&strategy) {}
  const StrategyInfo* strategy_;
};

// A strategy that passed, and what it has to match after the timed loop too.
struct Contestant {
  Timeable strategy;
  Knobs knobs;
  const Judgement* judged;
};

// A GPU at work just before the first sample and just after the last one of all strategies: they
// are sampled in turns.
struct GpuState {
  GpuReading before{};
  GpuReading after{};
};

struct Measurement {
  Timing timing{};
  std::int64_t workspace_bytes = 0;
  std::string library_algorithms{};
  std::optional<GpuState> gpu{};  // where read_gpu was given
  std::string cache{};            // state of the caches when a sample begins
  std::string fault{};            // what the check after the timed loop found; empty when it passed
};

struct MeasureOptions {
  std::int64_t samples = 30;
  double max_seconds = 1;    // per strategy; six samples are taken all the same
  std::int64_t warm_up = 3;  // runs before the first sample, at least
  std::uint64_t seed = 1;    // of the order of strategies and the turning of tokens
  std::function<void(std::size_t)> on_turn = [](std::size_t) {};  // whose turn it is, outside the
                                                                  // timed part
  std::function<GpuReading()> read_gpu{};                         // likewise; empty: nobody asks
};

// Measures all contestants together: in every block each takes one sample, in an order shuffled
// anew, so that a slow moment of the machine falls on all alike. Every sample sees the tokens
// turned by another place (other content at another address) and a poisoned output; the last output
// is judged again. Only the run is timed.
std::vector<Measurement> measure(const Workload& work, Judge& judge,
                                 std::span<const Contestant> contestants,
                                 const MeasureOptions& options);

}  // namespace moe::harness
