// mbarriers that are waited for in the wrong phase, expect the wrong number, or stand for something
// else than what arrives. sm_80 and later: cp.async fills, mbarriers hand over.
#include "harness/simt/cuda_tests/kernels/mbarrier.cuh"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"
#include "harness/simt/cuda_tests/support/planted_bug.h"

namespace moe::simt::cuda_tests::mbarrier {
namespace {

constexpr int kThreads = 64, kStages = 2, kTiles = 6;

enum class Defect {
  kNone,
  kWrongParity,      // the parity of the phase before: returns at once
  kParityNotTurned,  // always waits for phase 0: right in the first round only
  kTooManyArrivals,  // expects one arrival more than ever comes
  kTooFewArrivals,   // one arrival too few: complete before the last copy
  kPlainArrive,      // arrives when the copies are begun, not when they are done
  kIgnoresEmpty,     // fills without asking whether the stage is read
  kNotInitialised,
};

template <Defect kDefect>
__global__ void mbarrier_ring(const int4* x, int4* out) {
  __shared__ int4 stage[kStages][kThreads];
  __shared__ std::uint64_t full[kStages], empty[kStages];
  const int i = threadIdx.x;
  if (i == 0 && kDefect != Defect::kNotInitialised) {
    for (int s = 0; s < kStages; ++s) {
      kernels::mbarrier_init(&full[s], kThreads + (kDefect == Defect::kTooManyArrivals ? 1 : 0) -
                                           (kDefect == Defect::kTooFewArrivals ? 1 : 0));
      kernels::mbarrier_init(&empty[s], kThreads);
    }
  }
  __syncthreads();
  int4 sum{0, 0, 0, 0};
  for (int tile = 0; tile < kTiles; ++tile) {
    const int s = tile % kStages, round = tile / kStages;
    if (kDefect != Defect::kIgnoresEmpty) kernels::mbarrier_poll(&empty[s], (round + 1) % 2);
    kernels::copy_async_16(&stage[s][i], &x[tile * kThreads + i]);
    if constexpr (kDefect == Defect::kPlainArrive) {
      kernels::mbarrier_arrive(&full[s]);
    } else {
      kernels::mbarrier_arrive_after_copies(&full[s]);
    }
    const int parity = kDefect == Defect::kWrongParity       ? (round + 1) % 2
                       : kDefect == Defect::kParityNotTurned ? 0
                                                             : round % 2;
    kernels::mbarrier_poll(&full[s], parity);
    const int4 v = stage[s][kThreads - 1 - i];
    sum = {sum.x + v.x, sum.y + v.y, sum.z + v.z, sum.w + v.w};
    kernels::mbarrier_arrive(&empty[s]);
  }
  out[i] = sum;
}

template <Defect kDefect>
std::string ring() {
  const std::vector<int> v = Numbers(271).integers(kTiles * kThreads * 4, 1000);
  DeviceArray<int> x(v), out(kThreads * 4);
  mbarrier_ring<kDefect><<<1, kThreads>>>(reinterpret_cast<const int4*>(x.data()),
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

}  // namespace

PlantedBugs bugs() {
  const FoundBy natural = FoundBy::kNaturalOrder;
  const std::vector<Check> early = {Check::kAsyncWait, Check::kSharedRace};
  auto bug = [&](const char* name, std::vector<Check> as, std::string (*broken)()) {
    return PlantedBug{name, natural, std::move(as), {}, broken, ring<Defect::kNone>};
  };
  return {
      bug("mbarrier waited for with the wrong parity", early, ring<Defect::kWrongParity>),
      bug("mbarrier parity that is not turned each round", early, ring<Defect::kParityNotTurned>),
      bug("mbarrier expects one arrival too many", {Check::kDeadlock},
          ring<Defect::kTooManyArrivals>),
      bug("mbarrier expects one arrival too few",
          {Check::kAsyncWait, Check::kSharedRace, Check::kBarrier}, ring<Defect::kTooFewArrivals>),
      bug("arrival before the copies are done", early, ring<Defect::kPlainArrive>),
      bug("producer ignores the empty barrier", early, ring<Defect::kIgnoresEmpty>),
      bug("mbarrier never initialised", {Check::kBarrier, Check::kUninitialised},
          ring<Defect::kNotInitialised>),
  };
}

}  // namespace moe::simt::cuda_tests::mbarrier
