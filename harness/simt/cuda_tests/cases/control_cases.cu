// Branches, calls and local arrays: the same functions compiled for the host say what is right.
#include <algorithm>

#include "harness/simt/cuda_tests/kernels/control.cuh"
#include "harness/simt/cuda_tests/support/case.h"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"

namespace moe::simt::cuda_tests::control {
namespace {

constexpr int kCount = 90;  // two blocks of 64, the last one not full

std::string divergent_paths() {
  std::vector<int> v = Numbers(31).integers(kCount, 300);
  DeviceArray<int> x(v), out(kCount);
  kernels::divergent_paths<<<2, 64>>>(x, kCount, out);
  finish_launch();
  std::vector<int> want;
  for (int each : v) {
    const int steps = kernels::collatz_steps(static_cast<unsigned>(each));
    want.push_back(each % 4 == 1 ? steps
                                 : steps + kernels::nested_loops(each) + kernels::many_ways(each));
  }
  return same(out.get(), want);
}

std::string calls() {
  const std::vector<int> v = Numbers(32).integers(kCount, 300);
  DeviceArray<int> x(v);
  DeviceArray<long long> out(kCount);
  kernels::calls<<<2, 64>>>(x, kCount, out);
  finish_launch();
  std::vector<long long> want;
  for (int each : v) {
    long long result = kernels::ackermann_like(each % 6, 5);
    if (each % 3 != 0) {
      const kernels::Pair pair = kernels::both(each + 1, 360);
      result += pair.first * 1000 + pair.second;
    }
    want.push_back(result);
  }
  return same(out.get(), want);
}

std::string calls_by_pointer() {
  const std::vector<int> v = Numbers(33).integers(kCount, 300);
  DeviceArray<int> x(v), out(kCount);
  kernels::calls_by_pointer<<<2, 64>>>(x, kCount, out);
  finish_launch();
  std::vector<int> want;
  for (int each : v) want.push_back(each % 3 == 0 ? 2 * each : each % 3 == 1 ? each * each : -each);
  return same(out.get(), want);
}

std::string sort_in_local_memory() {
  constexpr int kThreads = 40;
  std::vector<int> v = Numbers(34).integers(kThreads * 8, 20);
  DeviceArray<int> x(v), out(kThreads * 8);
  kernels::sort_in_local_memory<<<1, kThreads>>>(x, out);
  finish_launch();
  for (int t = 0; t < kThreads; ++t) std::sort(v.begin() + t * 8, v.begin() + t * 8 + 8);
  return same(out.get(), v);
}

}  // namespace

Cases cases() {
  return {{"DivergentPaths", {}, {}, divergent_paths},
          {"Calls", {}, {}, calls},
          {"CallsByPointer", {}, {}, calls_by_pointer},
          {"SortInLocalMemory", {}, {}, sort_in_local_memory}};
}

}  // namespace moe::simt::cuda_tests::control
