// Constant memory, module variables, large shared memory, named barriers, wide and narrow accesses.
#include <algorithm>

#include "harness/simt/cuda_tests/kernels/memory.cuh"
#include "harness/simt/cuda_tests/support/case.h"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"

namespace moe::simt::cuda_tests::memory {
namespace {

std::string constant_memory() {
  constexpr int kCount = 70;
  const std::vector<float> coefficients = Numbers(41).floats(8), v = Numbers(42).floats(kCount);
  cuda_check(cudaMemcpyToSymbol(kernels::polynomial, coefficients.data(), 8 * sizeof(float)));
  DeviceArray<float> x(v), out(kCount);
  kernels::evaluate_polynomial<<<1, 96>>>(x, kCount, out);
  finish_launch();
  const int primes[6] = {2, 3, 5, 7, 11, 13};
  std::vector<double> want, bound;
  for (int i = 0; i < kCount; ++i) {
    double y = 0, magnitude = primes[i % 6];
    for (int k = 7; k >= 0; --k) {
      y = y * v[i] + coefficients[k];
      magnitude += std::fabs(coefficients[k]);
    }
    want.push_back(y + primes[i % 6]);
    bound.push_back(20 * kFloatUnit * magnitude);
  }
  return near(out.get(), want, bound);
}

std::string module_variables() {
  const int start = 5;
  cuda_check(cudaMemcpyToSymbol(kernels::module_counter, &start, sizeof(start)));
  kernels::use_module_variables<<<1, 32>>>();
  finish_launch();
  int counter = 0;
  std::vector<int> table(16), want(16);
  cuda_check(cudaMemcpyFromSymbol(&counter, kernels::module_counter, sizeof(counter)));
  cuda_check(cudaMemcpyFromSymbol(table.data(), kernels::module_table, 16 * sizeof(int)));
  for (int i = 0; i < 16; ++i) want[i] = 5 * i;
  return first_of({same(std::vector<int>{counter}, {6}, "counter"), same(table, want, "table")});
}

// 60 KiB: more than a kernel gets unasked.
std::string large_shared_memory() {
  constexpr int kSide = 122;
  constexpr std::size_t kBytes = kSide * kSide * sizeof(float);
  static_assert(kBytes > 48 * 1024);
  const std::vector<float> v = Numbers(43).floats(kSide * kSide);
  DeviceArray<float> x(v), out(kSide * kSide);
  allow_shared(kernels::transpose_in_shared, kBytes);
  kernels::transpose_in_shared<<<1, 256, kBytes>>>(x, kSide, out);
  finish_launch();
  std::vector<float> want(v.size());
  for (int i = 0; i < kSide * kSide; ++i) want[i] = v[i % kSide * kSide + i / kSide];
  return same(out.get(), want);
}

std::string named_barriers() {
  constexpr int kRounds = 7;
  const std::vector<int> v = Numbers(44).integers(kRounds * 64, 1000);
  DeviceArray<int> x(v), out(kRounds * 64);
  kernels::producers_and_consumers<<<1, 128>>>(x, kRounds, out);
  finish_launch();
  std::vector<int> want;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < 64; ++i) want.push_back(2 * v[round * 64 + 63 - i]);
  }
  return same(out.get(), want);
}

std::string counting_barriers() {
  const std::vector<int> v = Numbers(45).integers(96, 20);
  DeviceArray<int> x(v), out(96);
  kernels::counting_barriers<<<1, 96>>>(x, out);
  finish_launch();
  const auto even = std::count_if(v.begin(), v.end(), [](int each) { return each % 2 == 0; });
  const bool any = std::find(v.begin(), v.end(), 3) != v.end();
  return same(out.get(), std::vector<int>(96, static_cast<int>(even) * 100 + 10 + (any ? 1 : 0)));
}

std::string wide_and_narrow() {
  constexpr int kCount = 50;
  Numbers numbers(46);
  std::vector<kernels::Mixed> v(kCount);
  for (auto& m : v) {
    m = {static_cast<signed char>(numbers.below(100)),
         static_cast<unsigned char>(numbers.below(256)), static_cast<short>(numbers.below(2000)),
         numbers.uniform(), numbers.uniform()};
  }
  DeviceArray<kernels::Mixed> x(v), out(kCount);
  kernels::wide_and_narrow<<<1, 64>>>(x, kCount, out);
  finish_launch();
  std::vector<double> got, want;
  for (const auto& m : out.get())
    got.insert(got.end(), {double(m.a), double(m.b), double(m.c), m.d, m.e});
  for (int i = 0; i < kCount; ++i) {
    want.insert(want.end(), {double(-v[i].a), double(static_cast<unsigned char>(v[i].b * 3)),
                             double(v[i].c + 63 - i), v[i].d, v[i].e * 2 + v[i].d});
  }
  return same(got, want);
}

}  // namespace

Cases cases() {
  return {{"ConstantMemory", {}, {}, constant_memory},
          {"ModuleVariables", {}, {}, module_variables},
          {"LargeSharedMemory", {}, {}, large_shared_memory},
          {"NamedBarriers", {}, {}, named_barriers},
          {"CountingBarriers", {}, {}, counting_barriers},
          {"WideAndNarrow", {}, {}, wide_and_narrow}};
}

}  // namespace moe::simt::cuda_tests::memory
