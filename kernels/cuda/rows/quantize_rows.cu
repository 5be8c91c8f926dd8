// Rows of bf16 in 8 bits, each with a scale of its own.
#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/rows/row_parts.cuh"
#include "kernels/cuda/rows/rows.h"

namespace moe::cuda {
namespace {

constexpr int kThreads = 128;  // a block a row
constexpr int kWarps = kThreads / kLanes;
constexpr int kEight = 8;  // elements of 16 bytes of bf16

struct Quantize {
  const __nv_bfloat16* from;
  std::int64_t from_stride;
  std::int64_t columns;
  __nv_fp8_e4m3* to;
  std::int64_t to_stride;
  float* scale;
  const std::int32_t* token;
  RowUnits row;
};

__device__ __forceinline__ float largest_of_block(float x) {
  __shared__ float of_warp[kWarps];
  for (int step = kLanes / 2; step > 0; step /= 2) {
    x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, step));
  }
  if (threadIdx.x % kLanes == 0) of_warp[threadIdx.x / kLanes] = x;
  __syncthreads();
  float most = of_warp[0];
#pragma unroll
  for (int w = 1; w < kWarps; ++w) most = fmaxf(most, of_warp[w]);
  return most;
}

// Reads the row twice; the second time it comes from the cache.
__global__ void __launch_bounds__(kThreads) quantize(Quantize p) {
  const std::int64_t r = blockIdx.x;
  if (p.token != nullptr && p.token[r] < 0) return;
  const __nv_bfloat16* from = p.from + r * p.from_stride;
  __nv_fp8_e4m3* to = p.to + r * p.to_stride;
  const std::int64_t tail = p.row.vectors * kEight;
  float most = 0;
  for (std::int64_t u = threadIdx.x; u < p.row.vectors; u += kThreads) {
    const auto v = load_vector(from + u * kEight);
#pragma unroll
    for (int i = 0; i < kEight; ++i) most = fmaxf(most, fabsf(to_float(v.x[i])));
  }
  for (std::int64_t c = tail + threadIdx.x; c < p.columns; c += kThreads) {
    most = fmaxf(most, fabsf(to_float(from[c])));
  }
  most = largest_of_block(most);
  const float scale = e4m3_scale(most);
  if (threadIdx.x == 0) p.scale[r] = scale;
  for (std::int64_t u = threadIdx.x; u < p.row.vectors; u += kThreads) {
    const auto v = load_vector(from + u * kEight);
    struct alignas(8) {
      __nv_fp8_e4m3 x[kEight];
    } q;
#pragma unroll
    for (int i = 0; i < kEight; ++i) q.x[i] = rounded<__nv_fp8_e4m3>(to_float(v.x[i]) / scale);
    *reinterpret_cast<uint2*>(to + u * kEight) = *reinterpret_cast<const uint2*>(q.x);
  }
  for (std::int64_t c = tail + threadIdx.x; c < p.columns; c += kThreads) {
    to[c] = rounded<__nv_fp8_e4m3>(to_float(from[c]) / scale);
  }
}

}  // namespace

void quantize_rows_e4m3(const void* from, std::int64_t from_stride, std::int64_t rows,
                        std::int64_t columns, void* to, std::int64_t to_stride, float* scale,
                        const std::int32_t* token, cudaStream_t stream) {
  if (rows == 0 || columns == 0) return;
  const bool aligned = aligned16(from, from_stride, 2) && aligned16(to, to_stride, 1);
  quantize<<<static_cast<unsigned>(rows), kThreads, 0, stream>>>(
      {.from = static_cast<const __nv_bfloat16*>(from),
       .from_stride = from_stride,
       .columns = columns,
       .to = static_cast<__nv_fp8_e4m3*>(to),
       .to_stride = to_stride,
       .scale = scale,
       .token = token,
       .row = units_of(columns, kEight, aligned)});
  check_launch();
}

}  // namespace moe::cuda
