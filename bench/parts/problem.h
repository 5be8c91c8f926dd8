#pragma once
#include <benchmark/benchmark.h>

#include <string>

#include "harness/load_stats.h"
#include "harness/shapes.h"
#include "harness/workload.h"

namespace moe::bench {

// The shape a benchmark of parts works on: Time-MoE's layer, small enough for any machine and large
// enough that nothing fits the first-level cache.
inline MoeShape part_shape(std::int64_t tokens) {
  MoeShape shape = harness::parse_shape("time-moe-50m");
  shape.tokens = tokens;
  return shape;
}

inline harness::Workload part_workload(std::int64_t tokens, const std::string& law) {
  const MoeShape shape = part_shape(tokens);
  return harness::make_workload(law, shape, harness::make_weights(shape, 1), 1);
}

// Counters every part reports: tokens per second, and the bytes per second of what it has to move.
inline void report(benchmark::State& state, std::int64_t tokens, std::int64_t bytes) {
  using benchmark::Counter;
  state.counters["tokens/s"] =
      Counter(static_cast<double>(tokens), Counter::kIsIterationInvariantRate);
  state.counters["bytes/s"] =
      Counter(static_cast<double>(bytes), Counter::kIsIterationInvariantRate, Counter::kIs1000);
}

}  // namespace moe::bench
