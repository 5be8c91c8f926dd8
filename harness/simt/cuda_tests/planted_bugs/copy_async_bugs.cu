// Rings filled by cp.async that wait for too little, for the wrong stage, or at the wrong moment.
#include "harness/simt/cuda_tests/kernels/ptx.cuh"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"
#include "harness/simt/cuda_tests/support/planted_bug.h"

namespace moe::simt::cuda_tests::copy_async {
namespace {

using kernels::copy_async_16;
using kernels::copy_async_commit;
using kernels::copy_async_wait;

constexpr int kThreads = 64, kStages = 3, kTiles = 7;

enum class Defect {
  kNone,
  kNoWait,
  kWaitTooLax,          // one group more may be under way than the ring allows
  kNoBarrierAfterWait,  // own copies are there, the others' need not be
  kNoCommit,            // the last groups are never closed, so the wait does not count them
  kWrongStage,          // reads the stage that is being filled
  kFillsTooEarly,       // fills a stage before all have read it
};

// out[i] = sum over the tiles of x[tile, n - 1 - i].
template <Defect kDefect>
__global__ void copy_async_ring(const int4* x, int4* out) {
  __shared__ int4 stage[kStages][kThreads];
  const int i = threadIdx.x;
  auto fill = [&](int tile) {
    if (tile < kTiles) copy_async_16(&stage[tile % kStages][i], &x[tile * kThreads + i]);
    if (kDefect != Defect::kNoCommit || tile < kStages - 1) copy_async_commit();
  };
  for (int tile = 0; tile < kStages - 1; ++tile) fill(tile);
  int4 sum{0, 0, 0, 0};
  for (int tile = 0; tile < kTiles; ++tile) {
    if constexpr (kDefect == Defect::kFillsTooEarly) fill(tile + kStages - 1);
    if constexpr (kDefect == Defect::kWaitTooLax) {
      copy_async_wait<kStages - 1>();
    } else if constexpr (kDefect == Defect::kFillsTooEarly) {
      copy_async_wait<kStages - 1>();  // right, as one group more was begun
    } else if constexpr (kDefect != Defect::kNoWait) {
      copy_async_wait<kStages - 2>();
    }
    if constexpr (kDefect != Defect::kNoBarrierAfterWait) __syncthreads();
    if constexpr (kDefect != Defect::kFillsTooEarly) fill(tile + kStages - 1);
    const int from = kDefect == Defect::kWrongStage ? tile + 2 : tile;
    const int4 v = stage[from % kStages][kThreads - 1 - i];
    sum = {sum.x + v.x, sum.y + v.y, sum.z + v.z, sum.w + v.w};
  }
  out[i] = sum;
}

// ---- programs ----------------------------------------------------------------------------------

template <Defect kDefect>
std::string ring() {
  const std::vector<int> v = Numbers(261).integers(kTiles * kThreads * 4, 1000);
  DeviceArray<int> x(v), out(kThreads * 4);
  copy_async_ring<kDefect><<<1, kThreads>>>(reinterpret_cast<const int4*>(x.data()),
                                            reinterpret_cast<int4*>(out.data()));
  finish_launch();
  std::vector<int> want(kThreads * 4);
  for (int tile = 0; tile < kTiles; ++tile) {
    for (int i = 0; i < kThreads * 4; ++i) {
      want[i] += v[(tile * kThreads + kThreads - 1 - i / 4) * 4 + i % 4];
    }
  }
  return same(out.get(), want);
}

// The copy reaches past the end of the matrix; the twin says how many bytes there are.
template <bool kBroken>
__global__ void copy_past_end(const int* x, int n, int* out) {
  __shared__ __align__(16) int tile[4 * kThreads];
  const int first = 4 * static_cast<int>(threadIdx.x);
  const int there = min(max(n - first, 0), 4);
  copy_async_16(&tile[first], x + first, kBroken ? 16 : 4 * there);
  copy_async_commit();
  copy_async_wait<0>();
  for (int i = 0; i < there; ++i) out[first + i] = tile[first + i];
}

template <bool kBroken>
std::string past_end() {
  constexpr int kCount = 4 * kThreads - 2;
  const std::vector<int> v = Numbers(262).integers(kCount, 1000);
  DeviceArray<int> x(v), out(kCount);
  copy_past_end<kBroken><<<1, kThreads>>>(x, kCount, out);
  finish_launch();
  return same(out.get(), v);
}

}  // namespace

PlantedBugs bugs() {
  const FoundBy natural = FoundBy::kNaturalOrder;
  const std::vector<Check> not_waited = {Check::kAsyncWait};
  const std::vector<Check> race = {Check::kSharedRace, Check::kAsyncWait};
  return {
      {"cp.async read without any wait",
       natural,
       not_waited,
       {},
       ring<Defect::kNoWait>,
       ring<Defect::kNone>},
      {"cp.async.wait_group one too lax",
       natural,
       not_waited,
       {},
       ring<Defect::kWaitTooLax>,
       ring<Defect::kNone>},
      {"missing __syncthreads after the wait",
       natural,
       race,
       {},
       ring<Defect::kNoBarrierAfterWait>,
       ring<Defect::kNone>},
      {"missing cp.async.commit_group",
       natural,
       not_waited,
       {},
       ring<Defect::kNoCommit>,
       ring<Defect::kNone>},
      {"wrong pipeline stage", natural, race, {}, ring<Defect::kWrongStage>, ring<Defect::kNone>},
      {"stage filled before all have read it",
       natural,
       race,
       {},
       ring<Defect::kFillsTooEarly>,
       ring<Defect::kNone>},
      {"cp.async past the end of global memory",
       natural,
       {Check::kOutOfBounds},
       {},
       past_end<true>,
       past_end<false>},
  };
}

}  // namespace moe::simt::cuda_tests::copy_async
