// Warpgroup products whose fences, commits or waits are missing. sm_90a.
#include "harness/simt/cuda_tests/kernels/bulk_copy.cuh"
#include "harness/simt/cuda_tests/kernels/wgmma.cuh"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"
#include "harness/simt/cuda_tests/support/planted_bug.h"

namespace moe::simt::cuda_tests::wgmma {
namespace {

using Bfloat = __nv_bfloat16;

enum class Defect {
  kNone,
  kNoFence,       // the accumulators were written by ordinary instructions just before
  kNoCommit,      // so the wait waits for nothing
  kNoWait,        // the accumulators are read at once
  kWaitTooLax,    // one group may still be under way
  kNoProxyFence,  // the tiles were written by ordinary stores
  kOverwrites,    // the tile is written again while the product may read it
};

// C[64, 64] = A[64, 64] B[64, 64]^T, both put into shared memory in the 128-byte swizzle by hand.
template <Defect kDefect>
__global__ void __launch_bounds__(128) one_tile(const Bfloat* a, const Bfloat* b, float* c) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  __shared__ __align__(1024) unsigned char tile_a[64 * 128];
  __shared__ __align__(1024) unsigned char tile_b[64 * 128];
  for (int i = threadIdx.x; i < 64 * 8; i += 128) {
    const int row = i / 8, piece = i % 8;
    const int place = row * 128 + ((piece ^ (row % 8)) * 16);
    *reinterpret_cast<uint4*>(tile_a + place) = reinterpret_cast<const uint4*>(a)[i];
    *reinterpret_cast<uint4*>(tile_b + place) = reinterpret_cast<const uint4*>(b)[i];
  }
  if (kDefect != Defect::kNoProxyFence) kernels::fence_async_proxy();
  __syncthreads();

  float sum[32];
  for (int i = 0; i < 32; ++i) sum[i] = static_cast<float>(threadIdx.x);  // set by ordinary code
  for (int i = 0; i < 32; ++i) sum[i] -= static_cast<float>(threadIdx.x);
  kernels::settle_registers(sum);
  if (kDefect != Defect::kNoFence) kernels::wgmma_fence();
#pragma unroll
  for (int slice = 0; slice < 4; ++slice) {
    kernels::wgmma_64x64x16(sum, kernels::swizzled_descriptor(tile_a + slice * 32),
                            kernels::swizzled_descriptor(tile_b + slice * 32));
  }
  if (kDefect != Defect::kNoCommit) kernels::wgmma_commit();
  if constexpr (kDefect == Defect::kOverwrites) tile_a[threadIdx.x] = 0;
  if constexpr (kDefect == Defect::kWaitTooLax) {
    kernels::wgmma_wait<1>();
  } else if constexpr (kDefect != Defect::kNoWait) {
    kernels::wgmma_wait<0>();
  }
  kernels::settle_registers(sum);
#pragma unroll
  for (int i = 0; i < 32; ++i) {
    c[kernels::accumulator_row(i) * 64 + kernels::accumulator_column(i)] = sum[i];
  }
#endif
}

template <Defect kDefect>
std::string run() {
  const std::vector<Bfloat> a = Numbers(301).bfloats(64 * 64), b = Numbers(302).bfloats(64 * 64);
  DeviceArray<Bfloat> da(a), db(b);
  DeviceArray<float> c(64 * 64);
  one_tile<kDefect><<<1, 128>>>(da, db, c);
  finish_launch();
  const Product want = product(a, b, 64, 64, 64, 2 * kFloatUnit, to_double);
  return near(c.get(), want.value, want.bound);
}

}  // namespace

PlantedBugs bugs() {
  const std::vector<Check> wgmma = {Check::kWgmma, Check::kAsyncWait};
  auto bug = [&](const char* name, std::vector<Check> as, std::string (*broken)()) {
    return PlantedBug{name,   FoundBy::kNaturalOrder, std::move(as), Needs::kWgmma,
                      broken, run<Defect::kNone>};
  };
  return {
      bug("missing wgmma.fence", {Check::kWgmma}, run<Defect::kNoFence>),
      bug("missing wgmma.commit_group", wgmma, run<Defect::kNoCommit>),
      bug("missing wgmma.wait_group", wgmma, run<Defect::kNoWait>),
      bug("accumulator read one group too early", wgmma, run<Defect::kWaitTooLax>),
      bug("no proxy fence before wgmma", {Check::kProxyFence}, run<Defect::kNoProxyFence>),
      bug("tile overwritten while wgmma may read it", {Check::kAsyncWait, Check::kSharedRace},
          run<Defect::kOverwrites>),
  };
}

}  // namespace moe::simt::cuda_tests::wgmma
