// Moving rows between token order and expert order, and adding them up again. 16-byte accesses;
// rows begin at multiples of 16 bytes. Bandwidth is all there is to win here.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/contract/shape.h"

namespace moe::cuda {

// to[slot] = from[token[slot]] for slot < slots. Rows that do not begin at multiples of 16 bytes
// (a column of scales) go element by element.
struct GatherRows {
  const void* from = nullptr;                   // [T, columns]
  void* to = nullptr;                           // [slots, columns]
  std::int64_t from_stride = 0, to_stride = 0;  // elements
  std::int64_t columns = 0;
  int element_bytes = 4;
  std::int64_t slots = 0;
  const std::int32_t* token = nullptr;  // [slots]
  bool zero_empty = true;  // rows whose token is -1 become zeros; false: they are left alone
};
void gather_rows(const GatherRows& problem, cudaStream_t stream);

// y[t] = sum over k of weight[t, k] * rows[slot_of_assignment[t, k]], in f32, k ascending, dropped
// ones left out: the order is fixed, so the bits are. Writes every row of y.
struct CombineRows {
  const void* rows = nullptr;  // [slots, H]; f32, bf16 or f16
  DType row_type = DType::kF32;
  std::int64_t rows_stride = 0;
  const std::int32_t* slot_of_assignment = nullptr;  // [T * K]
  const float* weight = nullptr;                     // [T * K]
  std::int64_t tokens = 0;
  int top_k = 0;
  float* y = nullptr;  // [T, H]
  std::int64_t y_stride = 0;
  std::int64_t hidden = 0;
};
void combine_rows(const CombineRows& problem, cudaStream_t stream);

// The same where tokens have differing numbers of slots (expert choice): token t's are
// slot_of[slot_begin[t]] .. in that order, weighted by weight[slot].
struct CombineLists {
  const void* rows = nullptr;
  DType row_type = DType::kF32;
  std::int64_t rows_stride = 0;
  const std::int32_t* slot_begin = nullptr;  // [T + 1]
  const std::int32_t* slot_of = nullptr;
  const float* weight = nullptr;  // [slots]
  std::int64_t tokens = 0;
  float* y = nullptr;  // [T, H]
  std::int64_t y_stride = 0;
  std::int64_t hidden = 0;
};
void combine_lists(const CombineLists& problem, cudaStream_t stream);

// y[token[slot]] += weight[slot] * rows[slot] by atomic additions, slots of token -1 left out; y
// must have been written. Where a token stands at most once in the slots (those of one expert) the
// bits are always the same, otherwise the order of the additions changes them from run to run.
struct ScatterAddRows {
  const void* rows = nullptr;
  DType row_type = DType::kF32;
  std::int64_t rows_stride = 0;
  const std::int32_t* token = nullptr;  // [slots]
  const float* weight = nullptr;        // [slots]
  std::int64_t slots = 0;
  float* y = nullptr;
  std::int64_t y_stride = 0;
  std::int64_t hidden = 0;
};
void scatter_add_rows(const ScatterAddRows& problem, cudaStream_t stream);

// h[r, f] = silu(gu[r, 2 f]) * gu[r, 2 f + 1] for r < rows: where a library's product cannot do it
// in its epilogue. `rounded` is the type of h; gu is f32.
void swiglu_rows(const float* gate_up, std::int64_t gate_up_stride, void* h, DType rounded,
                 std::int64_t h_stride, std::int64_t rows, std::int64_t ffn, cudaStream_t stream);

// Per row: scale = the smallest power of two >= max |row| / 448, q = row / scale rounded to e4m3
// (OCP 8-bit floating point, largest value 448). A row of zeros has scale 1. from: bf16, [rows,
// columns]. With `token`, rows whose token is -1 are left alone: they may never have been written.
void quantize_rows_e4m3(const void* from, std::int64_t from_stride, std::int64_t rows,
                        std::int64_t columns, void* to, std::int64_t to_stride, float* scale,
                        const std::int32_t* token, cudaStream_t stream);

}  // namespace moe::cuda
