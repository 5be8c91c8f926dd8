#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/contract/routing.h"
#include "kernels/contract/shape.h"

namespace moe::harness {

// How unevenly a routing loads the experts of one layer. n_e: assignments to expert e, N their sum,
// mu = N / E. Definitions and bounds: harness/README.md. Never pool layers: imbalances cancel.
struct LoadStats {
  std::vector<std::int64_t> tokens_per_expert{};  // n_e
  double max_over_mean = 0;                       // max n / mu; 1 even, E/K worst
  double max_violation = 0;                       // MaxVio = max n / mu - 1
  double variation = 0;                           // CV: population standard deviation / mu
  double gini = 0;
  double entropy = 0;                    // of n_e / N, over ln E: 1 even, 0 one expert
  std::optional<double> max_over_min{};  // over the experts that got any; absent when N = 0
  std::int64_t dead_experts = 0;         // n_e == 0
  double dropped_slots = 0;          // share of the K*T assignments asked for that were not made
  double dropped_tokens = 0;         // share of tokens with no expert at all
  double gate_mass_lost = 0;         // share of the asked-for weight that was not applied
  double pad_to_max_efficiency = 0;  // N / (E max n): what equal buffers would use
  double tile_efficiency_16 = 0;     // N / (M sum ceil(n_e / M)) for tiles of M rows
  double tile_efficiency_64 = 0;
  double tile_efficiency_128 = 0;
  double multinomial_floor = 0;  // CV that chance alone gives: sqrt((E - K) / (K T)) for distinct K
};

// `asked`: the dropless routing of the same tokens, against which drops are counted.
// With no tokens every figure is 0.
LoadStats load_stats(const MoeShape& shape, const Routing& served, const Routing& asked);

}  // namespace moe::harness
