// Block-wide barriers that are missing, reached by too few, or reached in two places.
#include "harness/simt/cuda_tests/kernels/ptx.cuh"
#include "harness/simt/cuda_tests/kernels/scan.cuh"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"
#include "harness/simt/cuda_tests/support/planted_bug.h"

namespace moe::simt::cuda_tests::barrier {
namespace {

constexpr int kThreads = 96;

template <bool kBroken>
__global__ void missing_syncthreads_in_scan(const int* x, int* out) {
  __shared__ int of_warp[kThreads / 32];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int upto = kernels::warp_inclusive_sum(x[threadIdx.x]);
  if (lane == 31) of_warp[warp] = upto;
  if (!kBroken) __syncthreads();
  int before = 0;
  for (int w = 0; w < warp; ++w) before += of_warp[w];
  out[threadIdx.x] = before + upto;
}

template <bool kBroken>
__global__ void missing_syncthreads_before_overwrite(const int* x, int* out) {
  __shared__ int tile[kThreads];
  int sum = 0;
  for (int round = 0; round < 3; ++round) {
    tile[threadIdx.x] = x[round * kThreads + threadIdx.x];
    __syncthreads();
    sum += tile[kThreads - 1 - threadIdx.x];
    if (!kBroken) __syncthreads();  // all have read before the next round writes
  }
  out[threadIdx.x] = sum;
}

// The two halves of the block meet, but at two barriers of the program.
template <bool kBroken>
__global__ void barrier_in_two_places(const int* x, int* out) {
  __shared__ int tile[kThreads];
  if constexpr (kBroken) {
    if (threadIdx.x < 32) {
      tile[threadIdx.x] = x[threadIdx.x] + 1;
      __syncthreads();
      out[threadIdx.x] = tile[threadIdx.x + 32] * 3;
    } else {
      tile[threadIdx.x] = x[threadIdx.x];
      __syncthreads();
      out[threadIdx.x] = tile[threadIdx.x - 32];
    }
  } else {
    tile[threadIdx.x] = x[threadIdx.x] + (threadIdx.x < 32 ? 1 : 0);
    __syncthreads();
    out[threadIdx.x] = threadIdx.x < 32 ? tile[threadIdx.x + 32] * 3 : tile[threadIdx.x - 32];
  }
}

// Half a warp takes the branch with the barrier in it.
template <bool kBroken>
__global__ void barrier_in_divergent_branch(const int* x, int* out) {
  __shared__ int tile[kThreads];
  tile[threadIdx.x] = x[threadIdx.x];
  int value = 0;
  if (!kBroken) __syncthreads();
  if (threadIdx.x % 32 < 16) {
    if (kBroken) __syncthreads();
    value = tile[kThreads - 1 - threadIdx.x];
  }
  out[threadIdx.x] = value;
}

// One warp waits for a flag that is set only behind the barrier it has not reached.
template <bool kBroken>
__global__ void flag_set_behind_barrier(int* out) {
  __shared__ int flag;
  if (threadIdx.x == 0) flag = 0;
  __syncthreads();
  if (!kBroken && threadIdx.x == 0) atomicExch(&flag, 1);
  if (threadIdx.x >= 64) {
    while (atomicAdd(&flag, 0) == 0) {
    }
  }
  __syncthreads();
  if (kBroken && threadIdx.x == 0) atomicExch(&flag, 1);
  out[threadIdx.x] = 1;
}

// Of 96 threads that are to meet, 64 come.
template <bool kBroken>
__global__ void named_barrier_expects_too_many(const int* x, int* out) {
  __shared__ int tile[64];
  if (threadIdx.x >= 64) return;
  tile[threadIdx.x] = x[threadIdx.x];
  kernels::named_barrier_sync(1, kBroken ? 128 : 64);
  out[threadIdx.x] = tile[63 - threadIdx.x];
}

// 32 of 64 are enough: the second warp may read before the first has written.
template <bool kBroken>
__global__ void named_barrier_expects_too_few(const int* x, int* out) {
  __shared__ int tile[64];
  if (threadIdx.x >= 64) return;
  tile[threadIdx.x] = x[threadIdx.x];
  kernels::named_barrier_sync(1, kBroken ? 32 : 64);
  out[threadIdx.x] = tile[63 - threadIdx.x];
}

// ---- programs ----------------------------------------------------------------------------------

std::vector<int> input() { return Numbers(201).integers(3 * kThreads, 100); }

template <bool kBroken>
std::string scan() {
  const std::vector<int> v = input();
  DeviceArray<int> x(v), out(kThreads);
  missing_syncthreads_in_scan<kBroken><<<1, kThreads>>>(x, out);
  finish_launch();
  std::vector<int> want(kThreads);
  for (int i = 0; i < kThreads; ++i) want[i] = v[i] + (i > 0 ? want[i - 1] : 0);
  return same(out.get(), want);
}

template <bool kBroken>
std::string overwrite() {
  const std::vector<int> v = input();
  DeviceArray<int> x(v), out(kThreads);
  missing_syncthreads_before_overwrite<kBroken><<<1, kThreads>>>(x, out);
  finish_launch();
  std::vector<int> want(kThreads);
  for (int i = 0; i < 3 * kThreads; ++i) want[kThreads - 1 - i % kThreads] += v[i];
  return same(out.get(), want);
}

template <bool kBroken>
std::string two_places() {
  const std::vector<int> v = input();
  DeviceArray<int> x(v), out(kThreads);
  barrier_in_two_places<kBroken><<<1, kThreads>>>(x, out);
  finish_launch();
  std::vector<int> want(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    want[i] = i < 32 ? v[i + 32] * 3 : v[i - 32] + (i < 64 ? 1 : 0);
  }
  return same(out.get(), want);
}

template <bool kBroken>
std::string divergent_branch() {
  const std::vector<int> v = input();
  DeviceArray<int> x(v), out(kThreads);
  barrier_in_divergent_branch<kBroken><<<1, kThreads>>>(x, out);
  finish_launch();
  std::vector<int> want(kThreads);
  for (int i = 0; i < kThreads; ++i) want[i] = i % 32 < 16 ? v[kThreads - 1 - i] : 0;
  return same(out.get(), want);
}

template <bool kBroken>
std::string flag_behind_barrier() {
  DeviceArray<int> out(kThreads);
  flag_set_behind_barrier<kBroken><<<1, kThreads>>>(out);
  finish_launch();
  return same(out.get(), std::vector<int>(kThreads, 1));
}

std::string mirrored(void (*kernel)(const int*, int*)) {
  const std::vector<int> v = input();
  DeviceArray<int> x(v), out(64);
  kernel<<<1, kThreads>>>(x, out);
  finish_launch();
  std::vector<int> want(64);
  for (int i = 0; i < 64; ++i) want[i] = v[63 - i];
  return same(out.get(), want);
}
template <bool kBroken>
std::string too_many() {
  return mirrored(named_barrier_expects_too_many<kBroken>);
}
template <bool kBroken>
std::string too_few() {
  return mirrored(named_barrier_expects_too_few<kBroken>);
}

}  // namespace

PlantedBugs bugs() {
  const FoundBy natural = FoundBy::kNaturalOrder;
  return {
      {"missing __syncthreads in a scan",
       natural,
       {Check::kSharedRace},
       {},
       scan<true>,
       scan<false>},
      {"missing __syncthreads before overwriting",
       natural,
       {Check::kSharedRace},
       {},
       overwrite<true>,
       overwrite<false>},
      {"__syncthreads in two places",
       natural,
       {Check::kBarrier, Check::kDivergence},
       {},
       two_places<true>,
       two_places<false>},
      {"__syncthreads in a divergent branch",
       natural,
       {Check::kBarrier, Check::kDivergence, Check::kDeadlock},
       {},
       divergent_branch<true>,
       divergent_branch<false>},
      {"a flag set behind the barrier its readers never reach",
       natural,
       {Check::kDeadlock},
       {},
       flag_behind_barrier<true>,
       flag_behind_barrier<false>},
      {"named barrier expects too many threads",
       natural,
       {Check::kDeadlock, Check::kBarrier},
       {},
       too_many<true>,
       too_many<false>},
      {"named barrier expects too few threads",
       natural,
       {Check::kSharedRace, Check::kBarrier},
       {},
       too_few<true>,
       too_few<false>},
  };
}

}  // namespace moe::simt::cuda_tests::barrier
