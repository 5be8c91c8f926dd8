// Bulk copies that are not waited for, announced with the wrong number of bytes, or not fenced from
// the ordinary accesses around them. sm_90 and later.
#include "harness/simt/cuda_tests/kernels/bulk_copy.cuh"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"
#include "harness/simt/cuda_tests/support/planted_bug.h"

namespace moe::simt::cuda_tests::bulk_copy {
namespace {

constexpr int kInts = 64, kTiles = 6;
[[maybe_unused]] constexpr int kBytes = kInts * 4, kStages = 2;  // not used on compute_80

enum class Defect {
  kNone,
  kExpectsTooFew,
  kExpectsTooMany,
  kIgnoresFull,
  kIgnoresEmpty,
  kNoFenceAfterInit,
  kUnalignedDestination,
};

// One warp fetches, the other adds up what came: a ring with full and empty barriers.
template <Defect kDefect>
__global__ void bulk_ring(const int* x, int* out) {
#if __CUDA_ARCH__ >= 900
  __shared__ __align__(128) int stage[kStages][kInts + 32];
  __shared__ std::uint64_t full[kStages], empty[kStages];
  if (threadIdx.x == 0) {
    for (int s = 0; s < kStages; ++s) {
      kernels::mbarrier_init(&full[s], 1);
      kernels::mbarrier_init(&empty[s], 32);
    }
    if constexpr (kDefect != Defect::kNoFenceAfterInit) {
      kernels::fence_mbarrier_init();
      kernels::fence_async_proxy();
    }
  }
  __syncthreads();
  constexpr int kShift = kDefect == Defect::kUnalignedDestination ? 1 : 0;
  if (threadIdx.x == 0) {
    for (int tile = 0; tile < kTiles; ++tile) {
      const int s = tile % kStages, round = tile / kStages;
      if (kDefect != Defect::kIgnoresEmpty) kernels::mbarrier_wait(&empty[s], (round + 1) % 2);
      kernels::mbarrier_arrive_expect(&full[s], kDefect == Defect::kExpectsTooFew    ? kBytes / 2
                                                : kDefect == Defect::kExpectsTooMany ? kBytes + 16
                                                                                     : kBytes);
      // In two halves: with too few bytes announced the phase may end after the first.
      kernels::bulk_load(&stage[s][kShift], x + tile * kInts, kBytes / 2, &full[s]);
      kernels::bulk_load(&stage[s][kShift + kInts / 2], x + tile * kInts + kInts / 2, kBytes / 2,
                         &full[s]);
    }
  } else if (threadIdx.x >= 32) {
    const int lane = threadIdx.x % 32;
    int sum = 0;
    for (int tile = 0; tile < kTiles; ++tile) {
      const int s = tile % kStages;
      if (kDefect != Defect::kIgnoresFull) kernels::mbarrier_wait(&full[s], tile / kStages % 2);
      sum += stage[s][kShift + lane] + 1000 * stage[s][kShift + 32 + lane];
      kernels::mbarrier_arrive(&empty[s]);
    }
    out[lane] = sum;
  }
#endif
}

enum class StoreDefect { kNone, kNoProxyFence, kNoBarrier, kOverwrittenTooEarly };

// Two rounds: fill the buffer, hand it to a bulk store.
template <StoreDefect kDefect>
__global__ void bulk_store_twice(const int* x, int* out) {
#if __CUDA_ARCH__ >= 900
  __shared__ __align__(128) int buffer[kInts];
  for (int round = 0; round < 2; ++round) {
    buffer[threadIdx.x] = 3 * x[round * kInts + threadIdx.x];
    if (kDefect != StoreDefect::kNoProxyFence) kernels::fence_async_proxy();
    if (kDefect != StoreDefect::kNoBarrier) __syncthreads();
    if (threadIdx.x == 0) {
      kernels::bulk_store(out + round * kInts, buffer, kBytes);
      kernels::bulk_commit();
      if (kDefect != StoreDefect::kOverwrittenTooEarly) kernels::bulk_wait_read<0>();
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) kernels::bulk_wait<0>();
#endif
}

// ---- programs ----------------------------------------------------------------------------------

template <Defect kDefect>
std::string ring() {
  const std::vector<int> v = Numbers(281).integers(kTiles * kInts, 100);
  DeviceArray<int> x(v), out(32);
  bulk_ring<kDefect><<<1, 64>>>(x, out);
  finish_launch();
  std::vector<int> want(32);
  for (int i = 0; i < kTiles * kInts; ++i) want[i % 32] += i % kInts < 32 ? v[i] : 1000 * v[i];
  return same(out.get(), want);
}

template <StoreDefect kDefect>
std::string store() {
  std::vector<int> v = Numbers(282).integers(2 * kInts, 100);
  DeviceArray<int> x(v), out(2 * kInts);
  bulk_store_twice<kDefect><<<1, kInts>>>(x, out);
  finish_launch();
  for (int& each : v) each *= 3;
  return same(out.get(), v);
}

}  // namespace

PlantedBugs bugs() {
  const std::vector<Check> early = {Check::kAsyncWait, Check::kSharedRace};
  auto bug = [&](const char* name, std::vector<Check> as, std::string (*broken)(),
                 std::string (*twin)()) {
    return PlantedBug{name, FoundBy::kNaturalOrder, std::move(as), Needs::kHopper, broken, twin};
  };
  const auto good_ring = ring<Defect::kNone>;
  const auto good_store = store<StoreDefect::kNone>;
  return {
      bug("expect_tx too small", {Check::kAsyncWait, Check::kSharedRace, Check::kBarrier},
          ring<Defect::kExpectsTooFew>, good_ring),
      bug("expect_tx too large", {Check::kDeadlock}, ring<Defect::kExpectsTooMany>, good_ring),
      // The consumer may even come before the first copy is begun, and read what nobody wrote.
      bug("consumer ignores the full barrier",
          {Check::kAsyncWait, Check::kSharedRace, Check::kUninitialised},
          ring<Defect::kIgnoresFull>, good_ring),
      bug("producer of bulk copies ignores the empty barrier",
          {Check::kAsyncWait, Check::kSharedRace, Check::kBarrier}, ring<Defect::kIgnoresEmpty>,
          good_ring),
      bug("no fence between mbarrier.init and a bulk copy", {Check::kProxyFence},
          ring<Defect::kNoFenceAfterInit>, good_ring),
      bug("unaligned destination of a bulk copy", {Check::kMisaligned},
          ring<Defect::kUnalignedDestination>, good_ring),
      bug("no proxy fence before a bulk store", {Check::kProxyFence},
          store<StoreDefect::kNoProxyFence>, good_store),
      bug("no barrier before a bulk store", {Check::kSharedRace, Check::kProxyFence},
          store<StoreDefect::kNoBarrier>, good_store),
      bug("source of a bulk store overwritten before it is read", early,
          store<StoreDefect::kOverwrittenTooEarly>, good_store),
  };
}

}  // namespace moe::simt::cuda_tests::bulk_copy
