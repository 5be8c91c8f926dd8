// Threads of one block that touch the same memory without a barrier between them.
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"
#include "harness/simt/cuda_tests/support/planted_bug.h"

namespace moe::simt::cuda_tests::block_race {
namespace {

constexpr int kThreads = 64, kBins = 8;

template <bool kBroken>
__global__ void histogram_without_atomics(const int* x, int* counts) {
  __shared__ int mine[kBins];
  if (threadIdx.x < kBins) mine[threadIdx.x] = 0;
  __syncthreads();
  if constexpr (kBroken) {
    ++mine[x[threadIdx.x]];
  } else {
    atomicAdd(&mine[x[threadIdx.x]], 1);
  }
  __syncthreads();
  if (threadIdx.x < kBins) counts[threadIdx.x] = mine[threadIdx.x];
}

// The counter is read the plain way while others may still add to it.
template <bool kBroken>
__global__ void shared_counter_read_too_early(int* out) {
  __shared__ int counter;
  if (threadIdx.x == 0) counter = 0;
  __syncthreads();
  atomicAdd(&counter, 1);
  if (!kBroken) __syncthreads();
  if (threadIdx.x == 0) *out = counter;
}

// One element past `first` lies `second`, still inside the block's shared memory. No bound is
// crossed that a machine could know; found only because `second` is in use at the same time.
template <bool kBroken>
__global__ void overrun_into_next_array(const int* x, int* out) {
  struct Arrays {
    int first[kThreads];
    int second[kThreads];
  };
  __shared__ Arrays a;
  a.second[threadIdx.x] = 2 * x[threadIdx.x];
  if constexpr (kBroken) {
    a.first[threadIdx.x + 1] = x[threadIdx.x];
    if (threadIdx.x == 0) a.first[0] = 0;
  } else {
    if (threadIdx.x + 1 < kThreads) a.first[threadIdx.x + 1] = x[threadIdx.x];
    if (threadIdx.x == 0) a.first[0] = 0;
  }
  __syncthreads();
  out[threadIdx.x] = a.first[threadIdx.x] + a.second[threadIdx.x];
}

// A reduction tree that stops synchronising when one warp is left, as code written before sm_70
// did. With volatile the accesses are relaxed, whose races the memory model allows: only the sum is
// wrong then.
template <class Element, bool kBroken>
__global__ void warp_synchronous_tail(const int* x, int* out) {
  __shared__ Element sum[kThreads];
  const int i = threadIdx.x;
  sum[i] = x[i];
  __syncthreads();
  if (i < 32) {
    for (int step = 32; step > 0; step /= 2) {
      const int other = i < step ? sum[i + step] : 0;
      if (!kBroken) __syncwarp();
      sum[i] = sum[i] + other;
      if (!kBroken) __syncwarp();
    }
  }
  if (i == 0) *out = sum[0];
}

// ---- programs ----------------------------------------------------------------------------------

template <bool kBroken>
std::string histogram() {
  const std::vector<int> v = Numbers(221).integers(kThreads, kBins);
  DeviceArray<int> x(v), counts(kBins);
  histogram_without_atomics<kBroken><<<1, kThreads>>>(x, counts);
  finish_launch();
  std::vector<int> want(kBins);
  for (int each : v) ++want[each];
  return same(counts.get(), want);
}

template <bool kBroken>
std::string counter() {
  DeviceArray<int> out(1);
  shared_counter_read_too_early<kBroken><<<1, kThreads>>>(out);
  finish_launch();
  return same(out.get(), {kThreads});
}

template <bool kBroken>
std::string overrun() {
  const std::vector<int> v = Numbers(222).integers(kThreads, 100);
  DeviceArray<int> x(v), out(kThreads);
  overrun_into_next_array<kBroken><<<1, kThreads>>>(x, out);
  finish_launch();
  std::vector<int> want(kThreads);
  for (int i = 0; i < kThreads; ++i) want[i] = (i > 0 ? v[i - 1] : 0) + 2 * v[i];
  return same(out.get(), want);
}

template <class Element, bool kBroken>
std::string tail() {
  const std::vector<int> v = Numbers(223).integers(kThreads, 100);
  DeviceArray<int> x(v), out(1);
  warp_synchronous_tail<Element, kBroken><<<1, kThreads>>>(x, out);
  finish_launch();
  int want = 0;
  for (int each : v) want += each;
  return same(out.get(), {want});
}

}  // namespace

PlantedBugs bugs() {
  const FoundBy natural = FoundBy::kNaturalOrder;
  return {
      {"histogram without atomics",
       natural,
       {Check::kSharedRace},
       {},
       histogram<true>,
       histogram<false>},
      {"plain read of a shared counter that others add to",
       natural,
       {Check::kSharedRace},
       {},
       counter<true>,
       counter<false>},
      {"overrun into the next array of shared memory",
       natural,
       {Check::kSharedRace},
       {},
       overrun<true>,
       overrun<false>},
      {"warp-synchronous end of a reduction",
       natural,
       {Check::kSharedRace},
       {},
       tail<int, true>,
       tail<int, false>},
      {"the same with volatile",
       FoundBy::kValuesOverSchedules,
       {},
       {},
       tail<volatile int, true>,
       tail<volatile int, false>},
  };
}

}  // namespace moe::simt::cuda_tests::block_race
