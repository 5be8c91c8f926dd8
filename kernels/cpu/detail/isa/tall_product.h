#pragma once
// The product of bf16 for more rows than have two registers each: half of a panel's columns at a
// time, with one register a row. Weights are widened once for up to 28 rows, and what widening
// costs becomes small; the broadcasts, one for each multiplication, come with the instruction.
#include <cstdint>

#include "kernels/cpu/detail/isa/fetcher.h"
#include "kernels/cpu/detail/isa/micro_kernels.h"

namespace moe::cpu {

template <class V, class Panel, int M>
void tall_product(const float* rows, const void* panel, std::int64_t depth, float* tile,
                  bool accumulate, Ahead ahead, Ahead rows_ahead) {
  using Register = typename V::Register;
  constexpr int kStep = Panel::kStep;
  const std::int64_t steps = depth / kDepthStep;
  LineFetcher<V, false> more_rows(rows_ahead.from, rows_ahead.bytes * steps, steps);
  Fetcher<V> fetcher(ahead, depth, 2 * kDepthStep / kStep);  // kStep of depth, each half
  for (std::int64_t j = 0; j < kPanelColumns; j += V::kWidth) {
    Register sum[M];
#pragma GCC unroll 28
    for (int m = 0; m < M; ++m) {
      sum[m] = accumulate ? V::load(tile + m * kPanelColumns + j) : V::zero();
    }
    const float* a = rows;
    const auto* b = static_cast<const typename Panel::Stored*>(panel) + j * kStep;
    for (std::int64_t k = 0; k < depth; k += kDepthStep) {
      if (j == 0) more_rows.fetch();
#pragma GCC unroll 16
      for (int i = 0; i < kDepthStep; i += kStep) {
        fetcher.fetch(i / kStep);
#pragma GCC unroll 2
        for (int s = 0; s < kStep; ++s) {
          const Register weights = Panel::load(b, s);
#pragma GCC unroll 28
          for (int m = 0; m < M; ++m) {
            sum[m] = V::fma_broadcast(a + m * kDepthStep + i + s, weights, sum[m]);
          }
        }
        b += kPanelColumns * kStep;
      }
      a += M * kDepthStep;
    }
#pragma GCC unroll 28
    for (int m = 0; m < M; ++m) V::store(tile + m * kPanelColumns + j, sum[m]);
  }
}

}  // namespace moe::cpu
