// Sums and maxima over the lanes of a warp.
#pragma once
#include <cuda_runtime.h>

namespace moe::simt::kernels {

inline constexpr unsigned kWholeWarp = 0xffffffffu;

__device__ __forceinline__ float warp_max(float x) {
  for (int step = 16; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(kWholeWarp, x, step));
  return x;
}
__device__ __forceinline__ float warp_sum(float x) {
  for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(kWholeWarp, x, step);
  return x;
}

__device__ __forceinline__ int warp_inclusive_sum(int x) {
  const int lane = threadIdx.x % 32;
  for (int step = 1; step < 32; step *= 2) {
    const int before = __shfl_up_sync(kWholeWarp, x, step);
    if (lane >= step) x += before;
  }
  return x;
}

}  // namespace moe::simt::kernels
