// Launches the device refuses, and kernels that stop themselves.
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"
#include "harness/simt/cuda_tests/support/planted_bug.h"

namespace moe::simt::cuda_tests::launch {
namespace {

__global__ void __launch_bounds__(64) at_most_64(int* out) { out[threadIdx.x] = 1; }

__global__ void needs_much_shared(int n, int* out) {
  extern __shared__ int much_shared[];
  for (int i = threadIdx.x; i < n; i += blockDim.x) much_shared[i] = i;
  __syncthreads();
  out[threadIdx.x] = much_shared[n - 1];
}

__global__ void trap_on_negative(const int* x, int* out) {
  if (x[threadIdx.x] < 0) __trap();
  out[threadIdx.x] = x[threadIdx.x];
}

template <bool kBroken>
std::string launch_bounds() {
  DeviceArray<int> out(128);
  at_most_64<<<1, kBroken ? 96 : 64>>>(out);
  finish_launch();
  std::vector<int> got(64);
  cuda_check(cudaMemcpy(got.data(), out.data(), 64 * sizeof(int), cudaMemcpyDeviceToHost));
  return same(got, std::vector<int>(64, 1));
}

template <bool kBroken>
std::string no_opt_in() {
  constexpr int kCount = 13 * 1024;  // 52 KiB
  DeviceArray<int> out(32);
  // More than the twin was ever allowed, so that the order of the two does not matter.
  if (!kBroken) allow_shared(needs_much_shared, kCount * sizeof(int));
  needs_much_shared<<<1, 32, (kBroken ? 80 * 1024 : kCount * sizeof(int))>>>(kCount, out);
  finish_launch();
  return same(out.get(), std::vector<int>(32, kCount - 1));
}

template <bool kBroken>
std::string trap() {
  std::vector<int> v = Numbers(311).integers(32, 100);
  if (kBroken) v[7] = -1;
  DeviceArray<int> x(v), out(32);
  trap_on_negative<<<1, 32>>>(x, out);
  finish_launch();
  return same(out.get(), v);
}

template <bool kBroken>
std::string empty_grid() {
  DeviceArray<int> out(64);
  at_most_64<<<kBroken ? 0 : 1, 64>>>(out);
  finish_launch();
  return same(out.get(), std::vector<int>(64, 1));
}

}  // namespace

PlantedBugs bugs() {
  return {
      {"more threads than __launch_bounds__",
       FoundBy::kLaunch,
       {},
       {},
       launch_bounds<true>,
       launch_bounds<false>},
      {"much dynamic shared memory without opting in",
       FoundBy::kLaunch,
       {},
       {},
       no_opt_in<true>,
       no_opt_in<false>},
      {"a grid of no blocks", FoundBy::kLaunch, {}, {}, empty_grid<true>, empty_grid<false>},
      {"trap", FoundBy::kNaturalOrder, {Check::kTrap}, {}, trap<true>, trap<false>},
  };
}

}  // namespace moe::simt::cuda_tests::launch
