#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/load_stats.h"
#include "kernels/contract/strategy.h"

namespace moe::harness {

// A problem, the memory it points into, and where it came from.
struct Workload {
  MoeShape shape{};
  std::shared_ptr<const ExpertWeights> weights{};
  std::vector<float> x{};       // [T, H]
  std::vector<float> logits{};  // [T, E]
  std::string name{};           // as the matrix file writes it: "zipf:1.0", "trace:FILE#layer=3"
  std::string origin{};  // in words: the generator and its seed, or the trace and its cropping
  std::string hash{};    // 16 hex digits of the routing: XXH64 over ids, then logits
  double requested_share = 0;  // the busiest expert's share of assignments that was asked for
                               // (the generator's probabilities); 0 where nothing was asked

  Problem problem(const Knobs& knobs = {}) const;
};

// Weights of order one per output (uniform, variance 1 / fan-in), incompressible, same bits from
// every compiler and thread count. Depends on shape and seed only, not on shape.tokens.
std::shared_ptr<const ExpertWeights> make_weights(const MoeShape& shape, std::uint64_t seed);

// Tokens of variance one: [shape.tokens, shape.hidden], bell-shaped, rounded to the shape's dtype.
std::vector<float> make_inputs(const MoeShape& shape, std::uint64_t seed);

// name: balanced | uniform | zipf:S | dirichlet:A | hot:M:F | collapse | correlated:A:L |
// trace:FILE#layer=N. Defaults may be left out ("zipf" is zipf:1.0). An unknown name or a parameter
// out of range is a UserError. Each token gets K distinct experts; which expert is the popular one
// is shuffled by the seed.
Workload make_workload(const std::string& name, const MoeShape& shape,
                       std::shared_ptr<const ExpertWeights> weights, std::uint64_t seed);

// Small integers, gates so large that silu is the identity, routing weights that are powers of two:
// every sum is exact in float, so an output must equal the reference bit for bit.
Workload make_exact_workload(const MoeShape& shape, std::uint64_t seed);

// The names make_workload knows, with one sentence each, for `moebench list workloads`.
struct WorkloadKind {
  std::string usage;
  std::string summary;
};
std::vector<WorkloadKind> workload_kinds();

}  // namespace moe::harness
