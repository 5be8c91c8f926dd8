#pragma once
#include <cstdint>

#include "harness/load_stats.h"
#include "kernels/contract/shape.h"

namespace moe::harness {

// How much one run did. A gated expert is three products of H x F, two operations each:
// 2 * 3 H F per row.
struct Work {
  std::int64_t rows_computed = 0;  // expert rows multiplied, padding included
  double useful_flops = 0;         // 2 N 3 H F for the N assignments served
  double issued_flops = 0;         // 2 rows_computed 3 H F
  double touched_bytes = 0;  // what must move at least: the weights of every expert with a token,
                             // 3 H F, once, T H in, both in the bytes of the dtype, and T H out
                             // in f32. Scales count where they come with a group of weights.
                             // Experts without a token cost nothing.
  bool operator==(const Work&) const = default;
};

// `load`: of the routing that was served.
Work work_done(const MoeShape& shape, const LoadStats& load, std::int64_t rows_computed);

}  // namespace moe::harness
