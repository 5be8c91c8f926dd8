// What becomes of a warp's sums: stored, passed through SwiGLU, or added to y.
#pragma once
#include <type_traits>

#include "kernels/cuda/detail/hopper_tiles.cuh"
#include "kernels/cuda/detail/numbers.cuh"

namespace moe::cuda::hopper {

// 16 rows of a tile and kCount / 4 times 8 columns, as mma.sync and wgmma leave them: of columns
// 8 j .. 8 j + 7, element 4 j + 2 half + i is row lane / 4 + 8 half, column 8 j + lane % 4 * 2 + i.
// A quad (four lanes) holds a row.
struct SumsPlace {
  int expert = 0;
  int slot = 0;    // of the first row
  int rows = 0;    // that belong to the group; may be 0 or less
  int column = 0;  // the first
};

__device__ __forceinline__ std::uint32_t packed_pair(DType type, float x, float y) {
  if (type == DType::kBf16) {
    const __nv_bfloat162 pair = __floats2bfloat162_rn(x, y);
    return reinterpret_cast<const std::uint32_t&>(pair);
  }
  const __half2 pair = __floats2half2_rn(x, y);
  return reinterpret_cast<const std::uint32_t&>(pair);
}

// One element of C as it is stored. Element: std::uint16_t for bf16 and f16, float for f32 and
// tf32.
template <class Element>
__device__ __forceinline__ Element as_stored(DType type, float x) {
  if constexpr (sizeof(Element) == 2) {
    return static_cast<Element>(packed_pair(type, x, 0.0f));
  } else {
    return type == DType::kTf32 ? round_to_tf32(x) : x;
  }
}

// v[i] of lane q of a quad changes places with v[q] of lane i.
__device__ __forceinline__ void transpose_quad(std::uint32_t (&v)[4]) {
#pragma unroll
  for (int bit = 1; bit <= 2; bit *= 2) {
    const bool upper = (threadIdx.x & bit) != 0;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if ((i & bit) != 0) continue;
      const std::uint32_t got = __shfl_xor_sync(0xffffffffu, upper ? v[i] : v[i + bit], bit);
      (upper ? v[i] : v[i + bit]) = got;
    }
  }
}

// Four neighbouring elements of C from the bits of f32.
template <class Element>
__device__ __forceinline__ void store_four(DType type, Element* to, const std::uint32_t (&v)[4]) {
  const float x[4] = {__uint_as_float(v[0]), __uint_as_float(v[1]), __uint_as_float(v[2]),
                      __uint_as_float(v[3])};
  if constexpr (sizeof(Element) == 2) {
    *reinterpret_cast<uint2*>(to) = {packed_pair(type, x[0], x[1]), packed_pair(type, x[2], x[3])};
  } else {
    *reinterpret_cast<float4*>(to) = {as_stored<float>(type, x[0]), as_stored<float>(type, x[1]),
                                      as_stored<float>(type, x[2]), as_stored<float>(type, x[3])};
  }
}

// Columns `column` and the next one, at `to`.
template <class Element>
__device__ __forceinline__ void store_pair(const Arguments& arguments, Element* to,
                                           std::int64_t column, float x, float y) {
  const GroupedProduct& p = arguments.product;
  const Element first = as_stored<Element>(p.c_type, x), second = as_stored<Element>(p.c_type, y);
  if (arguments.aligned && column + 1 < p.columns) {
    if constexpr (sizeof(Element) == 2) {
      *reinterpret_cast<std::uint32_t*>(to) = packed_pair(p.c_type, x, y);
    } else {
      *reinterpret_cast<float2*>(to) = {first, second};
    }
  } else {
    if (column < p.columns) to[0] = first;
    if (column + 1 < p.columns) to[1] = second;
  }
}

// A row of f32 pairs fills sectors of 32 bytes as it is. Of 2-byte elements a quad's lanes exchange
// theirs, so that each stores 16 bytes: 8 columns of one of four neighbouring groups.
template <class Element, int kCount>
__device__ __forceinline__ void store_sums(const Arguments& arguments, const SumsPlace& place,
                                           const float (&sum)[kCount]) {
  constexpr int kTogether = kCount % 16 == 0 ? 4 : kCount / 4;  // groups of 8 columns
  const GroupedProduct& p = arguments.product;
  const int lane = static_cast<int>(threadIdx.x) % 32, q = lane % 4;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    const bool used = row < place.rows;
    Element* to = static_cast<Element*>(p.c) + (place.slot + std::int64_t{row}) * p.c_stride;
#pragma unroll
    for (int j = 0; j < kCount / 4; j += kTogether) {
      const int column = place.column + j * 8;
      if (sizeof(Element) == 2 && kTogether == 4 && arguments.aligned && column + 32 <= p.columns) {
        std::uint32_t v[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const float* pair = &sum[(j + i) % (kCount / 4) * 4 + half * 2];
          v[i] = packed_pair(p.c_type, pair[0], pair[1]);
        }
        transpose_quad(v);
        if (used) *reinterpret_cast<uint4*>(to + column + q * 8) = {v[0], v[1], v[2], v[3]};
      } else if (used) {
#pragma unroll
        for (int i = 0; i < kTogether; ++i) {
          const float* pair = &sum[(j + i) * 4 + half * 2];
          const int first = column + i * 8 + q * 2;
          store_pair(arguments, to + first, first, pair[0], pair[1]);
        }
      }
    }
  }
}

// Columns 2 f and 2 f + 1 are neighbours in a thread: result f takes the place of sum 2 f.
template <int kCount>
__device__ __forceinline__ void combine_gate_and_up(float (&sum)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; i += 2) sum[i] = swiglu(sum[i], sum[i + 1]);
}

// The results of SwiGLU. A quad's lanes exchange theirs, so that each stores four neighbours.
template <class Element, int kCount>
__device__ __forceinline__ void store_swiglu(const Arguments& arguments, const SumsPlace& place,
                                             const float (&sum)[kCount]) {
  constexpr int kTogether = kCount % 16 == 0 ? 4 : kCount / 4;  // groups of 4 results
  const GroupedProduct& p = arguments.product;
  const int lane = static_cast<int>(threadIdx.x) % 32, q = lane % 4;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    const bool used = row < place.rows;
    Element* to = static_cast<Element*>(p.c) + (place.slot + std::int64_t{row}) * p.c_stride;
#pragma unroll
    for (int j = 0; j < kCount / 4; j += kTogether) {
      const int column = place.column / 2 + j * 4;
      std::uint32_t v[4] = {};
#pragma unroll
      for (int i = 0; i < kTogether; ++i) {
        v[i] = __float_as_uint(sum[(j + i) * 4 + half * 2]);
      }
      if (kTogether == 4 && arguments.aligned && column + 16 <= p.columns / 2) {
        transpose_quad(v);
        if (used) store_four(p.c_type, to + column + q * 4, v);
      } else if (used) {
#pragma unroll
        for (int i = 0; i < kTogether; ++i) {
          const int at = column + i * 4 + q;
          if (at < p.columns / 2) to[at] = as_stored<Element>(p.c_type, __uint_as_float(v[i]));
        }
      }
    }
  }
}

// y[token of row] += weight of row * sums. Several blocks may add to one row.
template <int kCount>
__device__ __forceinline__ void scatter_sums(const Arguments& arguments, const SumsPlace& place,
                                             const float (&sum)[kCount]) {
  const GroupedProduct& p = arguments.product;
  const int lane = static_cast<int>(threadIdx.x) % 32, q = lane % 4;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    if (row >= place.rows) continue;
    const int token = p.token_of_slot[place.slot + row];
    if (token < 0) continue;
    const float weight = p.weight_of_slot[place.slot + row];
    float* to = static_cast<float*>(p.c) + token * p.c_stride;
#pragma unroll
    for (int j = 0; j < kCount / 4; ++j) {
      const int column = place.column + j * 8 + q * 2;
      const float x = weight * sum[j * 4 + half * 2], y = weight * sum[j * 4 + half * 2 + 1];
      if (arguments.aligned && column + 2 <= p.columns) {
        atomicAdd(reinterpret_cast<float2*>(to + column), float2{x, y});
      } else {
        if (column < p.columns) atomicAdd(to + column, x);
        if (column + 1 < p.columns) atomicAdd(to + column + 1, y);
      }
    }
  }
}

// e4m3: the sums are of numbers divided by their row's scale.
template <int kCount>
__device__ __forceinline__ void scale_sums(const GroupedProduct& p, const SumsPlace& place,
                                           float (&sum)[kCount]) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  float row_scale[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    int from = row < place.rows ? place.slot + row : -1;
    if (from >= 0 && p.a_row != nullptr) from = p.a_row[from];
    row_scale[half] = from < 0 ? 0.0f : p.a_scale[from];
  }
  const float* b_scale = p.b_scale + place.expert * p.columns;
#pragma unroll
  for (int j = 0; j < kCount / 4; ++j) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int column = place.column + j * 8 + lane % 4 * 2 + i;
      const float scale = column < p.columns ? b_scale[column] : 0.0f;
      sum[j * 4 + i] *= row_scale[0] * scale;
      sum[j * 4 + 2 + i] *= row_scale[1] * scale;
    }
  }
}

template <class T, int kCount>
__device__ __forceinline__ void finish_sums(const Arguments& arguments, const SumsPlace& place,
                                            float (&sum)[kCount]) {
  if (place.rows <= 0) return;
  if constexpr (std::is_same_v<T, __nv_fp8_e4m3>) scale_sums(arguments.product, place, sum);
  const DType type = arguments.product.c_type;
  const bool two_bytes = type == DType::kBf16 || type == DType::kF16;
  switch (arguments.product.epilogue) {
    case Epilogue::kStore:
      return two_bytes ? store_sums<std::uint16_t>(arguments, place, sum)
                       : store_sums<float>(arguments, place, sum);
    case Epilogue::kSwiglu:
      combine_gate_and_up(sum);
      return two_bytes ? store_swiglu<std::uint16_t>(arguments, place, sum)
                       : store_swiglu<float>(arguments, place, sum);
    case Epilogue::kScatterAdd:
      return scatter_sums(arguments, place, sum);
  }
}

}  // namespace moe::cuda::hopper
