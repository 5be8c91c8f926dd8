// A ring of shared-memory stages filled by cp.async, waited for in two ways: by groups, by
// mbarriers.
#pragma once
#include "harness/simt/cuda_tests/kernels/mbarrier.cuh"

namespace moe::simt::kernels {

inline constexpr int kRingThreads = 64;

// out[i] = sum over the tiles of x[tile, n - 1 - i]: each thread reads what another thread copied.
template <int kStages>
__global__ void ring_by_groups(const int4* __restrict__ x, int tiles, int4* __restrict__ out) {
  __shared__ int4 stage[kStages][kRingThreads];
  const int i = threadIdx.x;
  for (int tile = 0; tile < kStages - 1; ++tile) {
    if (tile < tiles) copy_async_16(&stage[tile][i], &x[tile * kRingThreads + i]);
    copy_async_commit();
  }
  int4 sum{0, 0, 0, 0};
  for (int tile = 0; tile < tiles; ++tile) {
    copy_async_wait<kStages - 2>();
    __syncthreads();  // everyone's copies of this tile; and the stage before this one is read
    const int next = tile + kStages - 1;
    if (next < tiles) copy_async_16(&stage[next % kStages][i], &x[next * kRingThreads + i]);
    copy_async_commit();
    const int4 v = stage[tile % kStages][kRingThreads - 1 - i];
    sum = {sum.x + v.x, sum.y + v.y, sum.z + v.z, sum.w + v.w};
  }
  out[i] = sum;
}

// The same with a full and an empty barrier a stage; each thread is producer and consumer.
template <int kStages>
__global__ void ring_by_mbarriers(const int4* __restrict__ x, int tiles, int4* __restrict__ out) {
  __shared__ int4 stage[kStages][kRingThreads];
  __shared__ std::uint64_t full[kStages], empty[kStages];
  const int i = threadIdx.x;
  if (i == 0) {
    for (int s = 0; s < kStages; ++s) {
      mbarrier_init(&full[s], kRingThreads);
      mbarrier_init(&empty[s], kRingThreads);
    }
  }
  __syncthreads();
  auto fill = [&](int tile) {
    const int s = tile % kStages;
    mbarrier_poll(&empty[s], (tile / kStages) % 2 == 0 ? 1 : 0);
    copy_async_16(&stage[s][i], &x[tile * kRingThreads + i]);
    mbarrier_arrive_after_copies(&full[s]);
  };
  for (int tile = 0; tile < kStages - 1 && tile < tiles; ++tile) fill(tile);
  int4 sum{0, 0, 0, 0};
  for (int tile = 0; tile < tiles; ++tile) {
    if (tile + kStages - 1 < tiles) fill(tile + kStages - 1);
    const int s = tile % kStages;
    mbarrier_poll(&full[s], (tile / kStages) % 2);
    const int4 v = stage[s][kRingThreads - 1 - i];
    sum = {sum.x + v.x, sum.y + v.y, sum.z + v.z, sum.w + v.w};
    mbarrier_arrive(&empty[s]);
  }
  out[i] = sum;
}

}  // namespace moe::simt::kernels
