// C[M, N] = A[M, K] B[N, K]^T on sm_90a: one warpgroup's thread fetches tiles by TMA into a ring of
// stages, the other warpgroup multiplies them by wgmma. Full and empty mbarriers hand stages over.
// M, N and K are multiples of 64; a block computes 64 x 64.
#pragma once
#include "harness/simt/cuda_tests/kernels/bulk_copy.cuh"
#include "harness/simt/cuda_tests/kernels/wgmma.cuh"

namespace moe::simt::kernels {

enum class Store { kFromRegisters, kByTensorCopy };
enum class Registers { kAsLaunched, kHandedOver };  // setmaxnreg

inline constexpr int kHopperStages = 3;
inline constexpr int kTileBytes = 64 * 128;  // 64 rows of 64 bf16

struct __align__(1024) HopperShared {
  unsigned char a[kHopperStages][kTileBytes];
  unsigned char b[kHopperStages][kTileBytes];
  float c[64 * 64];
  std::uint64_t full[kHopperStages], empty[kHopperStages];
};
// The ring must begin at a multiple of 1024 bytes, dynamic shared memory need not.
inline constexpr int kHopperSharedBytes = sizeof(HopperShared) + 1024;

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

__device__ __forceinline__ HopperShared& hopper_shared() {
  extern __shared__ unsigned char hopper_bytes[];
  const std::uint32_t past = shared_address(hopper_bytes) % 1024;
  return *reinterpret_cast<HopperShared*>(hopper_bytes + (past == 0 ? 0 : 1024 - past));
}

// The producer: one thread. In a cluster each of the two blocks fetches half of the A tile and
// sends it to both; a stage is empty when the consumers of both blocks have read it.
template <int kCluster>
__device__ void fetch_tiles(HopperShared& s, const CUtensorMap& map_a, const CUtensorMap& map_b,
                            int steps) {
  const int first_row = static_cast<int>(blockIdx.y) * 64;
  const int first_column = static_cast<int>(blockIdx.x) * 64;
  for (int step = 0; step < steps; ++step) {
    const int stage = step % kHopperStages, round = step / kHopperStages;
    mbarrier_wait_cluster(&s.empty[stage], (round + 1) % 2);
    mbarrier_arrive_expect(&s.full[stage], 2 * kTileBytes);
    if constexpr (kCluster == 1) {
      tensor_load(s.a[stage], &map_a, step * 64, first_row, &s.full[stage]);
    } else {
      const int half = static_cast<int>(cluster_rank());
      tensor_load_multicast(s.a[stage] + half * kTileBytes / 2, &map_a, step * 64,
                            first_row + half * 32, &s.full[stage], 0b11);
    }
    tensor_load(s.b[stage], &map_b, step * 64, first_column, &s.full[stage]);
  }
}

template <int kCluster>
__device__ void multiply_tiles(HopperShared& s, float (&sum)[32], int steps) {
  for (int i = 0; i < 32; ++i) sum[i] = 0;
  for (int step = 0; step < steps; ++step) {
    const int stage = step % kHopperStages;
    mbarrier_wait_cluster(&s.full[stage], step / kHopperStages % 2);
    settle_registers(sum);
    wgmma_fence();
#pragma unroll
    for (int slice = 0; slice < 4; ++slice) {
      wgmma_64x64x16(sum, swizzled_descriptor(s.a[stage] + slice * 32),
                     swizzled_descriptor(s.b[stage] + slice * 32));
    }
    wgmma_commit();
    wgmma_wait<0>();
    settle_registers(sum);
    if (threadIdx.x % 32 < kCluster) {  // one lane a warp and block
      mbarrier_arrive_at(&s.empty[stage], kCluster == 1 ? cluster_rank() : threadIdx.x % 32);
    }
  }
}

template <Store kStore>
__device__ void store_tile(HopperShared& s, const float (&sum)[32], const CUtensorMap& map_c,
                           float* c, int n) {
  const int first_row = static_cast<int>(blockIdx.y) * 64;
  const int first_column = static_cast<int>(blockIdx.x) * 64;
  if constexpr (kStore == Store::kFromRegisters) {
#pragma unroll
    for (int i = 0; i < 32; ++i) {
      c[(first_row + accumulator_row(i)) * n + first_column + accumulator_column(i)] = sum[i];
    }
  } else {
#pragma unroll
    for (int i = 0; i < 32; ++i) s.c[accumulator_row(i) * 64 + accumulator_column(i)] = sum[i];
    fence_async_proxy();
    named_barrier_sync(1, 128);
    if (threadIdx.x % 128 == 0) {
      tensor_store(&map_c, first_column, first_row, s.c);
      bulk_commit();
      bulk_wait<0>();
    }
  }
}

#endif

template <int kCluster, Store kStore, Registers kRegisters>
__global__ void __launch_bounds__(256, 1)
    hopper_gemm(const __grid_constant__ CUtensorMap map_a,
                const __grid_constant__ CUtensorMap map_b,
                const __grid_constant__ CUtensorMap map_c, float* c, int n, int k) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  HopperShared& s = hopper_shared();
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < kHopperStages; ++stage) {
      mbarrier_init(&s.full[stage], 1);
      mbarrier_init(&s.empty[stage], 4 * kCluster);  // each consuming warp
    }
    fence_mbarrier_init();
    fence_async_proxy();
  }
  if constexpr (kCluster > 1) {
    cluster_sync();
  } else {
    __syncthreads();
  }
  const int steps = k / 64;
  if (threadIdx.x < 128) {
    if constexpr (kRegisters == Registers::kHandedOver) give_up_registers<40>();
    if (threadIdx.x == 0) fetch_tiles<kCluster>(s, map_a, map_b, steps);
  } else {
    if constexpr (kRegisters == Registers::kHandedOver) take_registers<232>();
    float sum[32];
    multiply_tiles<kCluster>(s, sum, steps);
    store_tile<kStore>(s, sum, map_c, c, n);
  }
  // No block leaves while its peer may still send it tiles or arrivals.
  if constexpr (kCluster > 1) cluster_sync();
#endif
}

}  // namespace moe::simt::kernels
