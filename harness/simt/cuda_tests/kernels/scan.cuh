// Prefix sums: of one block, of a whole grid in a single pass, and sums across blocks.
#pragma once
#include "harness/simt/cuda_tests/kernels/warp_sums.cuh"

namespace moe::simt::kernels {

// The sum of x over the threads up to and with this one; the block has kThreads threads.
template <int kThreads>
__device__ int block_inclusive_sum(int x) {
  __shared__ int of_warp[kThreads / 32];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int in_warp = warp_inclusive_sum(x);
  if (lane == 31) of_warp[warp] = in_warp;
  __syncthreads();
  if (warp == 0) {
    const int sum = warp_inclusive_sum(lane < kThreads / 32 ? of_warp[lane] : 0);
    if (lane < kThreads / 32) of_warp[lane] = sum;
  }
  __syncthreads();
  return in_warp + (warp > 0 ? of_warp[warp - 1] : 0);
}

// offsets[0 .. n]: where each of n <= kThreads segments begins, and the total.
template <int kThreads>
__global__ void block_scan(const int* __restrict__ counts, int n, int* __restrict__ offsets) {
  const int i = threadIdx.x;
  const int upto = block_inclusive_sum<kThreads>(i < n ? counts[i] : 0);
  if (i == 0) offsets[0] = 0;
  if (i < n) offsets[i + 1] = upto;
}

// ---- single pass over a grid (Merrill and Garland, decoupled look-back) ------------------------

// What a tile has published: state in the upper half, a sum in the lower, so that one 64-bit access
// carries both and no fence is needed between them.
enum TileState : unsigned long long { kNothing = 0, kOwnSum = 1, kSumUpToHere = 2 };

__device__ __forceinline__ void publish(unsigned long long* tile, TileState state, int sum) {
  atomicExch(tile, (state << 32) | static_cast<unsigned>(sum));
}

// tiles[] and *next_tile start at zero. Tiles are numbered in the order in which blocks start, so
// that a block only ever waits for blocks that run already.
template <int kThreads>
__global__ void grid_scan(const int* __restrict__ x, int n, unsigned long long* tiles,
                          unsigned* next_tile, int* __restrict__ out) {
  __shared__ int tile;
  __shared__ int before;
  if (threadIdx.x == 0) tile = static_cast<int>(atomicAdd(next_tile, 1u));
  __syncthreads();
  const int i = tile * kThreads + static_cast<int>(threadIdx.x);
  const int upto = block_inclusive_sum<kThreads>(i < n ? x[i] : 0);
  if (threadIdx.x == kThreads - 1) {
    publish(&tiles[tile], tile == 0 ? kSumUpToHere : kOwnSum, upto);
    int sum = 0;
    for (int look = tile - 1; look >= 0; --look) {
      unsigned long long seen;
      do {
        seen = atomicAdd(&tiles[look], 0ull);
      } while ((seen >> 32) == kNothing);
      sum += static_cast<int>(seen & 0xffffffffu);
      if ((seen >> 32) == kSumUpToHere) break;
    }
    if (tile > 0) publish(&tiles[tile], kSumUpToHere, sum + upto);
    before = sum;
  }
  __syncthreads();
  if (i < n) out[i] = before + upto;
}

// ---- the last block to finish adds up what the others left -------------------------------------

template <int kThreads>
__global__ void last_block_sum(const int* __restrict__ x, int n, int* __restrict__ partial,
                               unsigned* finished, int* __restrict__ total) {
  __shared__ bool last;
  int sum = 0;
  for (int i = blockIdx.x * kThreads + threadIdx.x; i < n; i += gridDim.x * kThreads) sum += x[i];
  sum = block_inclusive_sum<kThreads>(sum);
  if (threadIdx.x == kThreads - 1) {
    partial[blockIdx.x] = sum;
    __threadfence();
    last = atomicAdd(finished, 1u) == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();
  if (!last) return;
  sum = 0;
  for (unsigned block = threadIdx.x; block < gridDim.x; block += kThreads) sum += partial[block];
  sum = block_inclusive_sum<kThreads>(sum);
  if (threadIdx.x == kThreads - 1) *total = sum;
}

}  // namespace moe::simt::kernels
