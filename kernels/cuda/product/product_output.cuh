// What happens to the sums of a grouped product: scales, the epilogue, the type of C.
#pragma once
#include <cstdint>

#include "kernels/cuda/detail/numbers.cuh"
#include "kernels/cuda/detail/ptx.cuh"
#include "kernels/cuda/product/product_address.h"
#include "kernels/cuda/product/product_arguments.h"

namespace moe::cuda {

// What one row of C needs besides its sums.
struct OutputRow {
  bool used;         // false: beyond the group, or no token to add it to
  std::int64_t row;  // of C
  float scale;       // of the row of A
  float weight;      // kScatterAdd
};

__device__ __forceinline__ OutputRow output_row(const Output& out, std::int32_t slot,
                                                std::int32_t end) {
  OutputRow row = {slot < end, slot, 1.0f, 1.0f};
  if (!row.used) return row;
  if (out.a_scale != nullptr) {
    const std::int32_t a = out.a_row == nullptr ? slot : out.a_row[slot];
    row.scale = a < 0 ? 0.0f : out.a_scale[a];
  }
  if (out.epilogue == Epilogue::kScatterAdd) {
    row.row = out.token_of_slot[slot];
    row.weight = out.weight_of_slot[slot];
    row.used = row.row >= 0;
  }
  return row;
}

// One element of C, in its type.
__device__ __forceinline__ void store_one(const Output& out, std::int64_t at, float x) {
  switch (out.type) {
    case DType::kBf16:
      static_cast<__nv_bfloat16*>(out.c)[at] = rounded<__nv_bfloat16>(x);
      break;
    case DType::kF16:
      static_cast<__half*>(out.c)[at] = rounded<__half>(x);
      break;
    case DType::kTf32:
      static_cast<float*>(out.c)[at] = round_to_tf32(x);
      break;
    default:
      static_cast<float*>(out.c)[at] = x;
  }
}

__device__ __forceinline__ std::uint32_t packed_bits(DType type, float x, float y) {
  if (type == DType::kBf16) {
    const __nv_bfloat162 both = __floats2bfloat162_rn(x, y);
    return *reinterpret_cast<const std::uint32_t*>(&both);
  }
  const __half2 both = __floats2half2_rn(x, y);
  return *reinterpret_cast<const std::uint32_t*>(&both);
}

// Elements at, at + 1; `at` is even where out.aligned.
__device__ __forceinline__ void store_two(const Output& out, std::int64_t at, float x, float y) {
  if (!out.aligned) {
    store_one(out, at, x);
    store_one(out, at + 1, y);
  } else if (out.type == DType::kBf16 || out.type == DType::kF16) {
    reinterpret_cast<std::uint32_t*>(out.c)[at / 2] = packed_bits(out.type, x, y);
  } else if (out.type == DType::kTf32) {
    static_cast<float2*>(out.c)[at / 2] = float2{round_to_tf32(x), round_to_tf32(y)};
  } else {
    static_cast<float2*>(out.c)[at / 2] = float2{x, y};
  }
}

// What the sums of columns `column` (even) and column + 1 are multiplied by, besides
// OutputRow::scale. Only where there are scales.
__device__ __forceinline__ float2 column_scales(const Output& out, std::int32_t expert,
                                                std::int32_t column) {
  const float* scale = out.b_scale + row_of_b(expert, out.columns, column);
  return {column < out.columns ? scale[0] : 1.0f, column + 1 < out.columns ? scale[1] : 1.0f};
}

// Columns `column` (even) and column + 1 of a row, scaled already.
__device__ __forceinline__ void output_pair(const Output& out, const OutputRow& row,
                                            std::int32_t column, float x, float y) {
  if (!row.used || column >= out.columns) return;
  if (out.epilogue == Epilogue::kSwiglu) {
    store_one(out, element_of_c(row.row, out.stride, column / 2), swiglu(x, y));
    return;
  }
  const std::int64_t at = element_of_c(row.row, out.stride, column);
  const bool both = column + 1 < out.columns;
  if (out.epilogue == Epilogue::kScatterAdd) {
    float* to = static_cast<float*>(out.c) + at;
    if (both && out.aligned) return add_two(to, row.weight * x, row.weight * y);
    atomicAdd(to, row.weight * x);
    if (both) atomicAdd(to + 1, row.weight * y);
  } else if (both) {
    store_two(out, at, x, y);
  } else {
    store_one(out, at, x);
  }
}

// ---- 32 columns of a row, of which each of four neighbouring lanes has four pairs
// ----------------

// Lane t of four has word j for lane j: afterwards it has the words that were for it, in order.
__device__ __forceinline__ void exchange_in_quad(std::uint32_t (&word)[4]) {
  const unsigned lane = threadIdx.x;
#pragma unroll
  for (int step = 1; step <= 2; step *= 2) {
    const bool upper = (lane & step) != 0;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      std::uint32_t& low = word[step == 1 ? 2 * i : i];
      std::uint32_t& high = word[step == 1 ? 2 * i + 1 : i + 2];
      const std::uint32_t other = __shfl_xor_sync(0xffffffffu, upper ? low : high, step);
      (upper ? low : high) = other;
    }
  }
}

// Whether output_quad can do it: it stores 16 bytes a lane where pairs would fill half a sector.
__device__ __forceinline__ bool is_for_quads(const Output& out, std::int32_t column) {
  const bool narrow = out.type == DType::kBf16 || out.type == DType::kF16;
  return out.aligned && column + 32 <= out.columns &&
         (out.epilogue == Epilogue::kSwiglu || (out.epilogue == Epilogue::kStore && narrow));
}

// Columns `column` to column + 31; pair j is of columns column + 8 j + 2 (lane % 4) and the next.
// All lanes of the warp.
__device__ __forceinline__ void output_quad(const Output& out, const OutputRow& row,
                                            std::int32_t column, const float2 (&pair)[4]) {
  const bool narrow = out.type == DType::kBf16 || out.type == DType::kF16;
  const int lane = static_cast<int>(threadIdx.x) % 4;
  std::uint32_t word[4];
  if (out.epilogue == Epilogue::kStore) {
#pragma unroll
    for (int j = 0; j < 4; ++j) word[j] = packed_bits(out.type, pair[j].x, pair[j].y);
    exchange_in_quad(word);
    if (!row.used) return;
    const std::int64_t at = element_of_c(row.row, out.stride, column + lane * 8);
    static_cast<uint4*>(out.c)[at / 8] = {word[0], word[1], word[2], word[3]};
    return;
  }
#pragma unroll
  for (int j = 0; j < 4; ++j) word[j] = __float_as_uint(swiglu(pair[j].x, pair[j].y));
  exchange_in_quad(word);
  if (!row.used) return;
  const std::int64_t at = element_of_c(row.row, out.stride, column / 2 + lane * 4);
  float x[4];
#pragma unroll
  for (int j = 0; j < 4; ++j) x[j] = __uint_as_float(word[j]);
  if (narrow) {
    static_cast<uint2*>(out.c)[at / 4] = {packed_bits(out.type, x[0], x[1]),
                                          packed_bits(out.type, x[2], x[3])};
    return;
  }
  if (out.type == DType::kTf32) {
#pragma unroll
    for (float& each : x) each = round_to_tf32(each);
  }
  static_cast<float4*>(out.c)[at / 4] = {x[0], x[1], x[2], x[3]};
}

}  // namespace moe::cuda
