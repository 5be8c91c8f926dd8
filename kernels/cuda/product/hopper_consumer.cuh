// The consumers of the sm_90a products: two warpgroups that empty the ring.
#pragma once
#include "kernels/cuda/detail/ptx_wgmma.cuh"
#include "kernels/cuda/product/hopper_tiles.cuh"

namespace moe::cuda::hopper {

// The tensor cores of sm_90 add products of e4m3 with some 14 bits only, so their sums are carried
// over to f32 registers after each stage.
template <DType kType>
inline constexpr bool kCarriesSums = kType == DType::kE4m3;

// The warp has read the stage. Consumers arrive by warp: each waits for its own part of a wgmma.
__device__ __forceinline__ void release_stage(Ring& ring, int stage) {
  __syncwarp();
  if (threadIdx.x % 32 == 0) mbarrier_arrive(&ring.empty[stage]);
}

// The four slices of 32 bytes of K of a stage, as one group of wgmma.
template <DType kType>
__device__ __forceinline__ void multiply_stage(const Ring& ring, int stage, int group, bool add,
                                               float (&sum)[64]) {
  const std::uint64_t a = swizzled_descriptor(ring.a[stage] + group * kGroupBytes);
  const std::uint64_t b = swizzled_descriptor(ring.b[stage]);
  settle_registers(sum);
  wgmma_fence();
#pragma unroll
  for (int slice = 0; slice < 4; ++slice) {
    wgmma_64x128<kType>(sum, a + slice * 2, b + slice * 2, add || slice > 0);
  }
  wgmma_commit();
}

// sum[64 rows of the group, 128 columns] of a tile. One stage is multiplied while the one before it
// is waited for and handed back.
template <DType kType>
__device__ __forceinline__ void multiply_wide(Ring& ring, RingPosition& at, int steps, int group,
                                              bool gathered, float (&sum)[64]) {
  int before = 0;
  for (int step = 0; step < steps; ++step) {
    mbarrier_wait(&ring.full[at.stage], at.parity);
    if (gathered) fence_async_proxy();
    multiply_stage<kType>(ring, at.stage, group, step > 0, sum);
    wgmma_wait<1>();
    if (step > 0) release_stage(ring, before);
    before = at.stage;
    at.advance();
  }
  wgmma_wait<0>();
  settle_registers(sum);
  release_stage(ring, before);
}

// The same where the sums are carried over.
template <DType kType>
__device__ __forceinline__ void multiply_wide_carrying(Ring& ring, RingPosition& at, int steps,
                                                       int group, bool gathered, float (&sum)[64]) {
  float part[64];
#pragma unroll
  for (int i = 0; i < 64; ++i) sum[i] = part[i] = 0.0f;
  for (int step = 0; step < steps; ++step, at.advance()) {
    mbarrier_wait(&ring.full[at.stage], at.parity);
    if (gathered) fence_async_proxy();
    multiply_stage<kType>(ring, at.stage, group, false, part);
    wgmma_wait<0>();
    settle_registers(part);
    release_stage(ring, at.stage);
#pragma unroll
    for (int i = 0; i < 64; ++i) sum[i] += part[i];
  }
}

// A warpgroup that has no rows in the tile lets its stages pass.
__device__ __forceinline__ void pass_stages(Ring& ring, RingPosition& at, int steps) {
  for (int step = 0; step < steps; ++step, at.advance()) {
    mbarrier_wait(&ring.full[at.stage], at.parity);
    release_stage(ring, at.stage);
  }
}

// Where 16-byte piece `piece` of a row lies under the 128-byte swizzle.
__device__ __forceinline__ int swizzled(int row, int piece) {
  return row * kRowBytes + (piece ^ row % 8) * 16;
}

// Eight sums of each granule: 16 rows, and 16 columns of the warp as two products of mma.sync.
template <DType kType>
__device__ __forceinline__ void multiply_narrow(Ring& ring, RingPosition& at, int steps, int warp,
                                                int granules, float (&sum)[kMostGranules * 8]) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int b_row = warp * 16 + lane / 16 * 8 + lane % 8;
  for (int step = 0; step < steps; ++step, at.advance()) {
    mbarrier_wait(&ring.full[at.stage], at.parity);
    const unsigned char* a = ring.a[at.stage];
    const unsigned char* b = ring.b[at.stage];
#pragma unroll
    for (int slice = 0; slice < 4; ++slice) {
      std::uint32_t fb[4];
      load_matrices(fb, b + swizzled(b_row, slice * 2 + lane / 8 % 2));
#pragma unroll
      for (int i = 0; i < kMostGranules; ++i) {
        if (i >= granules) break;
        std::uint32_t fa[4];
        load_matrices(fa, a + swizzled(i * 16 + lane % 16, slice * 2 + lane / 16));
        auto& sums = reinterpret_cast<float(&)[2][4]>(sum[i * 8]);
        mma<kType>(sums[0], fa, fb[0], fb[1]);
        mma<kType>(sums[1], fa, fb[2], fb[3]);
      }
    }
    release_stage(ring, at.stage);
  }
}

}  // namespace moe::cuda::hopper
