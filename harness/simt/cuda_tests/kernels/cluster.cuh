// Bulk copies without a tensor map, and blocks of a cluster that read each other's shared memory.
#pragma once
#include "harness/simt/cuda_tests/kernels/bulk_copy.cuh"

namespace moe::simt::kernels {

// Doubles n ints: in by a bulk load, out by a bulk store, twice through the same buffer.
template <int kInts>
__global__ void double_by_bulk_copies(const int* x, int* out) {
#if __CUDA_ARCH__ >= 900
  __shared__ __align__(128) int buffer[kInts];
  __shared__ std::uint64_t full;
  if (threadIdx.x == 0) {
    mbarrier_init(&full, 1);
    fence_mbarrier_init();
    fence_async_proxy();
  }
  __syncthreads();
  for (int round = 0; round < 2; ++round) {
    if (threadIdx.x == 0) {
      mbarrier_arrive_expect(&full, kInts * 4);
      bulk_load(buffer, x + round * kInts, kInts * 4, &full);
    }
    mbarrier_wait(&full, round % 2);
    for (int i = threadIdx.x; i < kInts; i += blockDim.x) buffer[i] *= 2;
    fence_async_proxy();
    __syncthreads();
    if (threadIdx.x == 0) {
      bulk_store(out + round * kInts, buffer, kInts * 4);
      bulk_commit();
      bulk_wait_read<0>();  // the next load overwrites the buffer
    }
  }
  if (threadIdx.x == 0) bulk_wait<0>();
#endif
}

// Each block of a cluster adds up its part; then rank 0 reads the other blocks' sums, and every
// block writes its rank into its right neighbour.
template <int kCluster>
__global__ void cluster_sums(const int* __restrict__ x, int* __restrict__ sums,
                             int* __restrict__ left_neighbours) {
#if __CUDA_ARCH__ >= 900
  __shared__ int mine;
  __shared__ int left;
  const std::uint32_t rank = cluster_rank();
  int sum = x[blockIdx.x * blockDim.x + threadIdx.x];
  sum = __reduce_add_sync(0xffffffffu, sum);
  if (threadIdx.x == 0) mine = sum;
  cluster_sync();
  if (threadIdx.x == 0) {
    store_remote(map_shared(&left, (rank + 1) % kCluster), static_cast<int>(rank));
    if (rank == 0) {
      int total = 0;
      for (int r = 0; r < kCluster; ++r) total += load_remote(map_shared(&mine, r));
      sums[blockIdx.x / kCluster] = total;
    }
  }
  cluster_sync();
  if (threadIdx.x == 0) left_neighbours[blockIdx.x] = left;
#endif
}

}  // namespace moe::simt::kernels
