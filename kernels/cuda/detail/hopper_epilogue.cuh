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

__device__ __forceinline__ void store_element(const GroupedProduct& p, std::int64_t at, float x) {
  switch (p.c_type) {
    case DType::kBf16:
      static_cast<__nv_bfloat16*>(p.c)[at] = rounded<__nv_bfloat16>(x);
      break;
    case DType::kF16:
      static_cast<__half*>(p.c)[at] = rounded<__half>(x);
      break;
    default:
      static_cast<float*>(p.c)[at] = p.c_type == DType::kTf32 ? round_to_tf32(x) : x;
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

// Four neighbouring elements of C, 2 or 4 bytes each, from f32.
__device__ __forceinline__ void store_four(const GroupedProduct& p, std::int64_t at,
                                           const float (&x)[4]) {
  if (p.c_type == DType::kBf16 || p.c_type == DType::kF16) {
    *reinterpret_cast<uint2*>(static_cast<std::uint16_t*>(p.c) + at) = {
        packed_pair(p.c_type, x[0], x[1]), packed_pair(p.c_type, x[2], x[3])};
  } else {
    const bool tf32 = p.c_type == DType::kTf32;
    *reinterpret_cast<float4*>(static_cast<float*>(p.c) + at) = {
        tf32 ? round_to_tf32(x[0]) : x[0], tf32 ? round_to_tf32(x[1]) : x[1],
        tf32 ? round_to_tf32(x[2]) : x[2], tf32 ? round_to_tf32(x[3]) : x[3]};
  }
}

// Rows of C in 16-byte accesses: the quad exchanges its elements so that each lane holds 8
// neighbours of one of four groups of columns. What does not fill an access goes by element.
template <int kCount>
__device__ __forceinline__ void store_sums(const Arguments& arguments, const SumsPlace& place,
                                           const float (&sum)[kCount]) {
  const GroupedProduct& p = arguments.product;
  const int lane = static_cast<int>(threadIdx.x) % 32, q = lane % 4;
  const bool two_bytes = p.c_type == DType::kBf16 || p.c_type == DType::kF16;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    const std::int64_t at = (place.slot + static_cast<std::int64_t>(row)) * p.c_stride;
    if (two_bytes && arguments.aligned && kCount % 16 == 0) {
#pragma unroll
      for (int j = 0; j < kCount / 4; j += 4) {
        std::uint32_t v[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const float* pair = &sum[(j + i) * 4 + half * 2];
          v[i] = packed_pair(p.c_type, pair[0], pair[1]);
        }
        transpose_quad(v);
        const int column = place.column + (j + q) * 8;
        std::uint16_t* to = static_cast<std::uint16_t*>(p.c) + at + column;
        if (row >= place.rows) continue;
        if (column + 8 <= p.columns) {
          *reinterpret_cast<uint4*>(to) = {v[0], v[1], v[2], v[3]};
        } else {
#pragma unroll
          for (int i = 0; i < 8; ++i) {
            if (column + i < p.columns) to[i] = static_cast<std::uint16_t>(v[i / 2] >> i % 2 * 16);
          }
        }
      }
    } else if (row < place.rows) {
#pragma unroll
      for (int j = 0; j < kCount / 4; ++j) {
        const int column = place.column + j * 8 + q * 2;
        const float x = sum[j * 4 + half * 2], y = sum[j * 4 + half * 2 + 1];
        if (arguments.aligned && column + 2 <= p.columns) {
          if (two_bytes) {
            *reinterpret_cast<std::uint32_t*>(static_cast<std::uint16_t*>(p.c) + at + column) =
                packed_pair(p.c_type, x, y);
          } else {
            const bool tf32 = p.c_type == DType::kTf32;
            *reinterpret_cast<float2*>(static_cast<float*>(p.c) + at + column) = {
                tf32 ? round_to_tf32(x) : x, tf32 ? round_to_tf32(y) : y};
          }
        } else {
          if (column < p.columns) store_element(p, at + column, x);
          if (column + 1 < p.columns) store_element(p, at + column + 1, y);
        }
      }
    }
  }
}

// Columns 2 f and 2 f + 1 are neighbours in a thread.
template <int kCount>
__device__ __forceinline__ void store_swiglu(const Arguments& arguments, const SumsPlace& place,
                                             const float (&sum)[kCount]) {
  const GroupedProduct& p = arguments.product;
  const int lane = static_cast<int>(threadIdx.x) % 32, q = lane % 4;
  const std::int64_t columns = p.columns / 2;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    const std::int64_t at = (place.slot + static_cast<std::int64_t>(row)) * p.c_stride;
    if (arguments.aligned && kCount % 16 == 0) {
#pragma unroll
      for (int j = 0; j < kCount / 4; j += 4) {
        std::uint32_t v[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const float* pair = &sum[(j + i) * 4 + half * 2];
          v[i] = __float_as_uint(swiglu(pair[0], pair[1]));
        }
        transpose_quad(v);
        const int column = place.column / 2 + (j + q) * 4;
        const float x[4] = {__uint_as_float(v[0]), __uint_as_float(v[1]), __uint_as_float(v[2]),
                            __uint_as_float(v[3])};
        if (row >= place.rows) continue;
        if (column + 4 <= columns) {
          store_four(p, at + column, x);
        } else {
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            if (column + i < columns) store_element(p, at + column + i, x[i]);
          }
        }
      }
    } else if (row < place.rows) {
#pragma unroll
      for (int j = 0; j < kCount / 4; ++j) {
        const int column = place.column / 2 + j * 4 + q;
        if (column < columns) {
          store_element(p, at + column, swiglu(sum[j * 4 + half * 2], sum[j * 4 + half * 2 + 1]));
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
  switch (arguments.product.epilogue) {
    case Epilogue::kStore:
      return store_sums(arguments, place, sum);
    case Epilogue::kSwiglu:
      return store_swiglu(arguments, place, sum);
    case Epilogue::kScatterAdd:
      return scatter_sums(arguments, place, sum);
  }
}

}  // namespace moe::cuda::hopper
