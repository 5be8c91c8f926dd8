// Addresses that are not the program's to touch, or not aligned for the access.
#include "harness/simt/cuda_tests/kernels/ptx.cuh"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"
#include "harness/simt/cuda_tests/support/planted_bug.h"

namespace moe::simt::cuda_tests::bounds {
namespace {

constexpr int kThreads = 64;

// The array ends where the block's shared memory ends.
template <bool kBroken>
__global__ void static_shared_off_by_one(const int* x, int* out) {
  __shared__ int tile[kThreads];
  const int place = static_cast<int>(threadIdx.x) + (kBroken ? 1 : 0);
  tile[place] = x[threadIdx.x];
  __syncthreads();
  if (threadIdx.x > 0) out[threadIdx.x] = tile[threadIdx.x];
  if (threadIdx.x == 0) out[0] = 0;
}

template <bool kBroken>
__global__ void dynamic_shared_off_by_one(const int* x, int* out) {
  extern __shared__ int dynamic_tile[];
  const int last = static_cast<int>(blockDim.x) - (kBroken ? 0 : 1);
  dynamic_tile[last - threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = dynamic_tile[last - threadIdx.x];
}

template <bool kBroken>
__global__ void global_read_off_by_one(const int* x, int* out) {
  out[threadIdx.x] = x[threadIdx.x + (kBroken ? 1 : 0)];
}

template <bool kBroken>
__global__ void global_write_off_by_one(const int* x, int n, int* out) {
  const int i = threadIdx.x;
  if (kBroken ? i <= n : i < n) out[i] = i < n ? x[i] : 0;
}

template <bool kBroken>
__global__ void local_array_overrun(const int* x, int n, int* out) {
  int value[8];
#pragma unroll 1
  for (int i = 0; i < (kBroken ? n + 1 : n); ++i)
    value[i] = x[i % 8] + static_cast<int>(threadIdx.x);
  int sum = 0;
#pragma unroll 1
  for (int i = 0; i < n; ++i) sum += value[(i * 3) % 8];
  out[threadIdx.x] = sum;
}

__global__ void copy(const int* x, int* out) { out[threadIdx.x] = x[threadIdx.x]; }

template <bool kBroken>
__global__ void misaligned_float4(const float* x, float* out) {
  const float* from = x + 4 * threadIdx.x + (kBroken ? 1 : 0);
  const float4 v = *reinterpret_cast<const float4*>(from);
  out[threadIdx.x] = v.x + v.y + v.z + v.w;
}

// A copy of 16 bytes to an address that is a multiple of 4 only.
template <bool kBroken>
__global__ void misaligned_copy_async(const int4* x, int* out) {
  __shared__ __align__(16) int tile[4 * kThreads + 4];
  int* to = tile + 4 * threadIdx.x + (kBroken ? 1 : 0);
  kernels::copy_async_16(to, &x[threadIdx.x]);
  kernels::copy_async_commit();
  kernels::copy_async_wait<0>();
  out[threadIdx.x] = to[0];
}

// ---- programs ----------------------------------------------------------------------------------

std::vector<int> input() { return Numbers(241).integers(kThreads, 100); }

template <bool kBroken>
std::string static_shared() {
  DeviceArray<int> x(input()), out(kThreads);
  static_shared_off_by_one<kBroken><<<1, kThreads>>>(x, out);
  finish_launch();
  std::vector<int> want = input();
  want[0] = 0;
  return same(out.get(), want);
}

template <bool kBroken>
std::string dynamic_shared() {
  DeviceArray<int> x(input()), out(kThreads);
  dynamic_shared_off_by_one<kBroken><<<1, kThreads, kThreads * sizeof(int)>>>(x, out);
  finish_launch();
  return same(out.get(), input());
}

template <bool kBroken>
std::string global_read() {
  DeviceArray<int> x(input()), out(kThreads);
  global_read_off_by_one<kBroken><<<1, kThreads>>>(x, out);
  finish_launch();
  return same(out.get(), input());
}

template <bool kBroken>
std::string global_write() {
  DeviceArray<int> x(input()), out(kThreads);
  global_write_off_by_one<kBroken><<<1, 2 * kThreads>>>(x, kThreads, out);
  finish_launch();
  return same(out.get(), input());
}

template <bool kBroken>
std::string local_array() {
  DeviceArray<int> x(std::vector<int>(8, 2)), out(kThreads);
  local_array_overrun<kBroken><<<1, kThreads>>>(x, 8, out);
  finish_launch();
  std::vector<int> want;
  for (int i = 0; i < kThreads; ++i) want.push_back(8 * (2 + i));
  return same(out.get(), want);
}

template <bool kBroken>
std::string use_after_free() {
  DeviceArray<int> out(kThreads);
  const std::vector<int> v = input();
  int* x = nullptr;
  cuda_check(cudaMalloc(reinterpret_cast<void**>(&x), kThreads * sizeof(int)));
  cuda_check(cudaMemcpy(x, v.data(), kThreads * sizeof(int), cudaMemcpyHostToDevice));
  if (kBroken) cuda_check(cudaFree(x));
  copy<<<1, kThreads>>>(x, out);
  finish_launch();
  if (!kBroken) cuda_check(cudaFree(x));
  return same(out.get(), v);
}

template <bool kBroken>
std::string double_free() {
  void* x = nullptr;
  cuda_check(cudaMalloc(&x, 256));
  cuda_check(cudaFree(x));
  if (kBroken) cuda_check(cudaFree(x));
  return {};
}

template <bool kBroken>
std::string host_pointer() {
  const std::vector<int> v = input();
  DeviceArray<int> x(v), out(kThreads);
  copy<<<1, kThreads>>>(kBroken ? v.data() : x.data(), out);
  finish_launch();
  return same(out.get(), v);
}

template <bool kBroken>
std::string null_pointer() {
  DeviceArray<int> x(input()), out(kThreads);
  copy<<<1, kThreads>>>(kBroken ? nullptr : x.data(), out);
  finish_launch();
  return same(out.get(), input());
}

template <bool kBroken>
std::string float4_alignment() {
  const std::vector<float> v(4 * kThreads + 4, 0.25f);
  DeviceArray<float> x(v), out(kThreads);
  misaligned_float4<kBroken><<<1, kThreads>>>(x, out);
  finish_launch();
  return same(out.get(), std::vector<float>(kThreads, 1.0f));
}

template <bool kBroken>
std::string copy_alignment() {
  DeviceArray<int> x(std::vector<int>(4 * kThreads, 3)), out(kThreads);
  misaligned_copy_async<kBroken><<<1, kThreads>>>(reinterpret_cast<const int4*>(x.data()), out);
  finish_launch();
  return same(out.get(), std::vector<int>(kThreads, 3));
}

}  // namespace

PlantedBugs bugs() {
  const FoundBy natural = FoundBy::kNaturalOrder;
  const std::vector<Check> outside = {Check::kOutOfBounds};
  return {
      {"static shared memory off by one",
       natural,
       outside,
       {},
       static_shared<true>,
       static_shared<false>},
      {"dynamic shared memory off by one",
       natural,
       outside,
       {},
       dynamic_shared<true>,
       dynamic_shared<false>},
      {"global read off by one", natural, outside, {}, global_read<true>, global_read<false>},
      {"global write off by one", natural, outside, {}, global_write<true>, global_write<false>},
      {"local array overrun", natural, outside, {}, local_array<true>, local_array<false>},
      {"use after free",
       natural,
       {Check::kUseAfterFree},
       {},
       use_after_free<true>,
       use_after_free<false>},
      {"double free", natural, {Check::kDoubleFree}, {}, double_free<true>, double_free<false>},
      {"host pointer passed to a kernel",
       natural,
       outside,
       {},
       host_pointer<true>,
       host_pointer<false>},
      {"null pointer", natural, outside, {}, null_pointer<true>, null_pointer<false>},
      {"misaligned float4",
       natural,
       {Check::kMisaligned},
       {},
       float4_alignment<true>,
       float4_alignment<false>},
      {"misaligned cp.async",
       natural,
       {Check::kMisaligned},
       {},
       copy_alignment<true>,
       copy_alignment<false>},
  };
}

}  // namespace moe::simt::cuda_tests::bounds
