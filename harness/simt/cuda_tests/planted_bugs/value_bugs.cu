// Memory that is read before anything was written to it.
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"
#include "harness/simt/cuda_tests/support/planted_bug.h"

namespace moe::simt::cuda_tests::value {
namespace {

constexpr int kThreads = 64;

template <bool kBroken>
__global__ void uninitialised_shared(const int* x, int* out) {
  __shared__ int tile[kThreads];
  if (!kBroken || threadIdx.x < kThreads / 2) tile[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = tile[kThreads - 1 - threadIdx.x] + 1;
}

__global__ void add_one(const int* x, int* out) { out[threadIdx.x] = x[threadIdx.x] + 1; }

// The last element of a local array keeps what was there.
template <bool kBroken>
__global__ void uninitialised_local(const int* x, int n, int* out) {
  int value[8];
#pragma unroll 1
  for (int i = 0; i < (kBroken ? n - 1 : n); ++i) value[i] = x[i] + static_cast<int>(threadIdx.x);
  int sum = 0;
#pragma unroll 1
  for (int i = 0; i < n; ++i) sum += value[(i * 3) % 8];
  out[threadIdx.x] = sum;
}

// Counts on memory that cudaMalloc does not clear.
__global__ void count_on_zero(int* counter) { atomicAdd(counter, 1); }

// ---- programs ----------------------------------------------------------------------------------

std::vector<int> input() { return Numbers(251).integers(kThreads, 100); }

template <bool kBroken>
std::string shared_memory() {
  const std::vector<int> v = input();
  DeviceArray<int> x(v), out(kThreads);
  uninitialised_shared<kBroken><<<1, kThreads>>>(x, out);
  finish_launch();
  std::vector<int> want;
  for (int i = 0; i < kThreads; ++i) want.push_back(v[kThreads - 1 - i] + 1);
  return same(out.get(), want);
}

template <bool kBroken>
std::string global_memory() {
  std::vector<int> v = input();
  DeviceArray<int> x(kThreads), out(kThreads);
  const int written = kBroken ? kThreads - 1 : kThreads;
  cuda_check(cudaMemcpy(x.data(), v.data(), written * sizeof(int), cudaMemcpyHostToDevice));
  add_one<<<1, kThreads>>>(x, out);
  finish_launch();
  for (int& each : v) ++each;
  return same(out.get(), v);
}

template <bool kBroken>
std::string local_memory() {
  DeviceArray<int> x(std::vector<int>(8, 2)), out(kThreads);
  uninitialised_local<kBroken><<<1, kThreads>>>(x, 8, out);
  finish_launch();
  std::vector<int> want;
  for (int i = 0; i < kThreads; ++i) want.push_back(8 * (2 + i));
  return same(out.get(), want);
}

template <bool kBroken>
std::string counter() {
  DeviceArray<int> counter(1);
  if (!kBroken) counter.fill_bytes(0);
  count_on_zero<<<2, 32>>>(counter);
  finish_launch();
  return same(counter.get(), {64});
}

}  // namespace

PlantedBugs bugs() {
  const FoundBy natural = FoundBy::kNaturalOrder;
  const std::vector<Check> unwritten = {Check::kUninitialised};
  return {
      {"uninitialised shared memory",
       natural,
       unwritten,
       {},
       shared_memory<true>,
       shared_memory<false>},
      {"uninitialised global memory",
       natural,
       unwritten,
       {},
       global_memory<true>,
       global_memory<false>},
      {"uninitialised local array",
       natural,
       unwritten,
       {},
       local_memory<true>,
       local_memory<false>},
      {"atomics on a counter nobody cleared",
       natural,
       unwritten,
       {},
       counter<true>,
       counter<false>},
  };
}

}  // namespace moe::simt::cuda_tests::value
