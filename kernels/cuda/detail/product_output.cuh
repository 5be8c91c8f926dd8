// What happens to the sums of a grouped product: scales, the epilogue, the type of C.
#pragma once
#include <cstdint>

#include "kernels/cuda/detail/numbers.cuh"
#include "kernels/cuda/detail/product_address.h"
#include "kernels/cuda/detail/product_arguments.h"

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

// The sums of columns `column` (even) and column + 1 of expert `expert`.
__device__ __forceinline__ void output_pair(const Output& out, const OutputRow& row,
                                            std::int32_t expert, std::int32_t column, float x,
                                            float y) {
  if (!row.used || column >= out.columns) return;
  const bool both = column + 1 < out.columns;
  if (out.b_scale != nullptr) {
    const float* scale = out.b_scale + row_of_b(expert, out.columns, column);
    x *= row.scale * scale[0];
    if (both) y *= row.scale * scale[1];
  }
  if (out.epilogue == Epilogue::kSwiglu) {
    store_one(out, element_of_c(row.row, out.stride, column / 2), swiglu(x, y));
    return;
  }
  const std::int64_t at = element_of_c(row.row, out.stride, column);
  if (out.epilogue == Epilogue::kScatterAdd) {
    float* to = static_cast<float*>(out.c) + at;
    atomicAdd(to, row.weight * x);
    if (both) atomicAdd(to + 1, row.weight * y);
  } else if (both) {
    store_two(out, at, x, y);
  } else {
    store_one(out, at, x);
  }
}

}  // namespace moe::cuda
