// What the lanes of a warp can tell each other: shuffles, votes, matches, reductions.
#pragma once
#include "harness/simt/cuda_tests/kernels/warp_sums.cuh"

namespace moe::simt::kernels {

// out[k * 32 + lane] for the k-th question, of 32 values.
__global__ void warp_votes(const int* __restrict__ x, unsigned* __restrict__ out) {
  const int lane = threadIdx.x;
  const int v = x[lane];
  out[0 * 32 + lane] = __ballot_sync(kWholeWarp, v % 3 == 0);
  out[1 * 32 + lane] = __any_sync(kWholeWarp, v == 7);
  out[2 * 32 + lane] = __all_sync(kWholeWarp, v < 1000);
  out[3 * 32 + lane] = __match_any_sync(kWholeWarp, v % 5);
  int all_same = 0;
  out[4 * 32 + lane] = __match_all_sync(kWholeWarp, v % 5, &all_same);
  out[5 * 32 + lane] = __match_all_sync(kWholeWarp, 42ull, &all_same);
  out[6 * 32 + lane] = static_cast<unsigned>(all_same);
  // Half a warp among itself.
  if (lane < 16) {
    out[7 * 32 + lane] = __ballot_sync(0x0000ffffu, v & 1);
  } else {
    out[7 * 32 + lane] = __match_any_sync(0xffff0000u, static_cast<long long>(v % 4));
  }
}

__global__ void warp_shuffles(const int* __restrict__ x, int* __restrict__ out) {
  const int lane = threadIdx.x;
  const int v = x[lane];
  out[0 * 32 + lane] = __shfl_sync(kWholeWarp, v, 5);
  out[1 * 32 + lane] = __shfl_sync(kWholeWarp, v, (lane * 7) % 32);
  out[2 * 32 + lane] = __shfl_up_sync(kWholeWarp, v, 3);
  out[3 * 32 + lane] = __shfl_down_sync(kWholeWarp, v, 6);
  out[4 * 32 + lane] = __shfl_xor_sync(kWholeWarp, v, 21);
  out[5 * 32 + lane] = __shfl_sync(kWholeWarp, v, lane + 1, 8);  // within groups of 8
  out[6 * 32 + lane] = __shfl_up_sync(kWholeWarp, v, 2, 4);
  out[7 * 32 + lane] = __shfl_down_sync(kWholeWarp, v, 1, 16);
}

__global__ void warp_reductions(const int* __restrict__ x, int* __restrict__ out) {
  const int lane = threadIdx.x;
  const int v = x[lane];
  const unsigned u = static_cast<unsigned>(v);
  out[0 * 32 + lane] = __reduce_add_sync(kWholeWarp, v);
  out[1 * 32 + lane] = __reduce_min_sync(kWholeWarp, v);
  out[2 * 32 + lane] = __reduce_max_sync(kWholeWarp, v);
  out[3 * 32 + lane] = static_cast<int>(__reduce_max_sync(kWholeWarp, u));
  out[4 * 32 + lane] = static_cast<int>(__reduce_and_sync(kWholeWarp, u | 0xff00u));
  out[5 * 32 + lane] = static_cast<int>(__reduce_or_sync(kWholeWarp, u));
  out[6 * 32 + lane] = static_cast<int>(__reduce_xor_sync(kWholeWarp, u));
  const unsigned odd = 0xaaaaaaaau;
  out[7 * 32 + lane] = 0;
  if (lane % 2 == 1) out[7 * 32 + lane] = __reduce_add_sync(odd, v);
}

// Block-wide sums with nothing but shuffles and one shared word a warp.
template <int kThreads>
__global__ void block_sum(const float* __restrict__ x, int n, float* __restrict__ out) {
  __shared__ float of_warp[kThreads / 32];
  float sum = 0;
  for (int i = blockIdx.x * kThreads + threadIdx.x; i < n; i += gridDim.x * kThreads) sum += x[i];
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x < 32) {
    sum = warp_sum(threadIdx.x < kThreads / 32 ? of_warp[threadIdx.x] : 0.0f);
    if (threadIdx.x == 0) atomicAdd(out, sum);
  }
}

__global__ void sum_by_reduce_add(const int* __restrict__ x, int n, int* __restrict__ out) {
  int sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    sum += x[i];
  }
  sum = __reduce_add_sync(kWholeWarp, sum);
  if (threadIdx.x % 32 == 0) atomicAdd(out, sum);
}

}  // namespace moe::simt::kernels
