// Prefix sums of a warp and of a block.
#pragma once
#include <cstdint>

namespace moe::cuda {

inline constexpr unsigned kWholeWarp = 0xffffffffu;

__device__ __forceinline__ int lane_of_thread() { return static_cast<int>(threadIdx.x % 32); }
__device__ __forceinline__ int warp_of_thread() { return static_cast<int>(threadIdx.x / 32); }
__device__ __forceinline__ int warps_of_block() { return static_cast<int>(blockDim.x / 32); }
__device__ __forceinline__ unsigned lanes_before(int lane) { return (1u << lane) - 1; }

// The sum of x over the lanes up to and with this one.
__device__ __forceinline__ std::int32_t warp_inclusive_sum(std::int32_t x) {
  const int lane = lane_of_thread();
  for (int step = 1; step < 32; step *= 2) {
    const std::int32_t other = __shfl_up_sync(kWholeWarp, x, step);
    if (lane >= step) x += other;
  }
  return x;
}

struct PrefixSum {
  std::int32_t before;  // of the threads before this one
  std::int32_t total;
};

// For blocks of whole warps; every thread calls it. `scratch`: 32 numbers in shared memory.
__device__ __forceinline__ PrefixSum block_prefix_sum(std::int32_t x, std::int32_t* scratch) {
  const int lane = lane_of_thread(), warp = warp_of_thread(), warps = warps_of_block();
  const std::int32_t upto = warp_inclusive_sum(x);
  if (lane == 31) scratch[warp] = upto;
  __syncthreads();
  if (warp == 0) {
    const std::int32_t sum = warp_inclusive_sum(lane < warps ? scratch[lane] : 0);
    if (lane < warps) scratch[lane] = sum;
  }
  __syncthreads();
  const PrefixSum sum = {upto - x + (warp > 0 ? scratch[warp - 1] : 0), scratch[warps - 1]};
  __syncthreads();  // scratch may be used again
  return sum;
}

// x[0, count) in shared memory become `start` plus what stood before them. Begins and ends with the
// block in step: what was written to x before needs a barrier of the caller's.
__device__ __forceinline__ void make_exclusive_sums(std::int32_t* x, int count, std::int32_t start,
                                                    std::int32_t* scratch) {
  for (int first = 0; first < count; first += static_cast<int>(blockDim.x)) {
    const int i = first + static_cast<int>(threadIdx.x);
    const PrefixSum sum = block_prefix_sum(i < count ? x[i] : 0, scratch);
    if (i < count) x[i] = start + sum.before;
    start += sum.total;
  }
  __syncthreads();
}

}  // namespace moe::cuda
