#include <algorithm>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/numbers.cuh"
#include "kernels/cuda/model/add_norm.h"

namespace moe::cuda {
namespace {

constexpr int kMostThreads = 256;

__device__ __forceinline__ float squares(float4 v) {
  return v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
}

__device__ __forceinline__ void add(float4& to, float by, float4 v) {
  to.x += by * v.x;
  to.y += by * v.y;
  to.z += by * v.z;
  to.w += by * v.w;
}

// The sum over all threads of the block, the same bits in each. One use a kernel.
__device__ float block_sum(float sum) {
  __shared__ float of_warp[kMostThreads / 32];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = sum;
  __syncthreads();
  float all = 0.0f;
  for (int w = 0; w < static_cast<int>(blockDim.x) / 32; ++w) all += of_warp[w];
  return all;
}

// A block a row. The second pass finds the row in the L1: it was just written by the same thread.
__global__ void __launch_bounds__(kMostThreads) add_norm_kernel(AddNorm p) {
  const std::int64_t t = blockIdx.x;
  const std::int64_t row = t * p.hidden;
  const int pieces = static_cast<int>(p.hidden / 4);
  auto* h = reinterpret_cast<float4*>(p.h + row);
  const auto* added = reinterpret_cast<const float4*>(p.added + row);
  const auto* shared = reinterpret_cast<const float4*>(p.shared + row);
  float gate = 0.0f;
  if (p.shared != nullptr) gate = 1.0f / (1.0f + expf(-p.shared_logit[t * p.shared_logit_stride]));

  float sum = 0.0f;
  for (int i = static_cast<int>(threadIdx.x); i < pieces; i += static_cast<int>(blockDim.x)) {
    float4 v = h[i];
    if (p.added != nullptr) add(v, 1.0f, added[i]);
    if (p.shared != nullptr) add(v, gate, shared[i]);
    if (p.added != nullptr || p.shared != nullptr) h[i] = v;
    sum += squares(v);
  }
  const float scale = 1.0f / sqrtf(block_sum(sum) / static_cast<float>(p.hidden) + p.eps);

  const auto* weight = reinterpret_cast<const float4*>(p.weight);
  for (int i = static_cast<int>(threadIdx.x); i < pieces; i += static_cast<int>(blockDim.x)) {
    const float4 v = h[i], w = weight[i];
    float y[4] = {w.x * (v.x * scale), w.y * (v.y * scale), w.z * (v.z * scale),
                  w.w * (v.w * scale)};
    if (p.y16 != nullptr) {
      __nv_bfloat162 pair[2];
      for (int k = 0; k < 2; ++k) {
        pair[k] = __floats2bfloat162_rn(y[2 * k], y[2 * k + 1]);
        y[2 * k] = __low2float(pair[k]);
        y[2 * k + 1] = __high2float(pair[k]);
      }
      reinterpret_cast<uint2*>(p.y16 + row)[i] = *reinterpret_cast<const uint2*>(pair);
    }
    reinterpret_cast<float4*>(p.y + row)[i] = {y[0], y[1], y[2], y[3]};
  }
}

}  // namespace

void add_norm(const AddNorm& problem, cudaStream_t stream) {
  const std::int64_t pieces = problem.hidden / 4;
  const auto threads =
      static_cast<unsigned>(std::min<std::int64_t>(kMostThreads, (pieces + 31) / 32 * 32));
  add_norm_kernel<<<static_cast<unsigned>(problem.tokens), threads, 0, stream>>>(problem);
  check_launch();
}

}  // namespace moe::cuda
