// Atomic operations: whatever the order, these totals come out.
#include <algorithm>
#include <cstring>

#include "harness/simt/cuda_tests/kernels/atomics.cuh"
#include "harness/simt/cuda_tests/support/case.h"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"

namespace moe::simt::cuda_tests::atomic {
namespace {

using kernels::IntegerTotals;

IntegerTotals nothing() { return {0, 0x7fffffff, -1, ~0u, 0u, 0u, 0u, 0u, 0ull, 0ull}; }

IntegerTotals totals_of(const std::vector<int>& x, int begin, int end) {
  IntegerTotals t = nothing();
  for (int i = begin; i < end; ++i) {
    const auto bits = static_cast<unsigned>(x[i]);
    t.sum += x[i];
    t.smallest = std::min(t.smallest, x[i]);
    t.largest = std::max(t.largest, x[i]);
    t.all_bits &= bits | 1u;
    t.any_bits |= bits;
    t.parity ^= bits;
    t.wrapped = t.wrapped >= 9 ? 0 : t.wrapped + 1;
    t.counted_down = t.counted_down == 0 || t.counted_down > 6 ? 6 : t.counted_down - 1;
    t.big_sum += static_cast<unsigned long long>(x[i]) << 33;
    t.big_largest = std::max(t.big_largest, static_cast<unsigned long long>(x[i]) << 20);
  }
  return t;
}

std::vector<unsigned long long> words(const IntegerTotals& t) {
  return {static_cast<unsigned>(t.sum),
          static_cast<unsigned>(t.smallest),
          static_cast<unsigned>(t.largest),
          t.all_bits,
          t.any_bits,
          t.parity,
          t.wrapped,
          t.counted_down,
          t.big_sum,
          t.big_largest};
}

std::string integers() {
  constexpr int kCount = 150, kThreads = 64, kBlocks = 3;
  const std::vector<int> v = Numbers(21).integers(kCount, 5000);
  DeviceArray<int> x(v);
  DeviceArray<IntegerTotals> totals(std::vector<IntegerTotals>(1 + kBlocks, nothing()));
  kernels::integer_atomics<<<kBlocks, kThreads>>>(x, kCount, totals);
  finish_launch();
  const std::vector<IntegerTotals> got = totals.get();
  std::string wrong = same(words(got[0]), words(totals_of(v, 0, kCount)), "global total");
  for (int block = 0; block < kBlocks && wrong.empty(); ++block) {
    const int begin = block * kThreads, end = std::min(begin + kThreads, kCount);
    wrong = same(words(got[1 + block]), words(totals_of(v, begin, end)), "shared total");
  }
  return wrong;
}

std::string floats() {
  constexpr int kCount = 100;
  const std::vector<int> v = Numbers(22).integers(kCount, 5000);
  DeviceArray<int> x(v);
  auto f = DeviceArray<float>::zeros(2);
  auto d = DeviceArray<double>::zeros(1);
  auto h = DeviceArray<__half2>::zeros(1);
  auto b = DeviceArray<__nv_bfloat162>::zeros(1);
  kernels::floating_atomics<<<2, 64>>>(x, kCount, f, d, h, b);
  finish_launch();
  double sum = 0;
  for (int each : v) sum += each % 4;
  const __half2 halves = h.get()[0];
  const __nv_bfloat162 pair = b.get()[0];
  const std::vector<double> got = {f.get()[0],
                                   f.get()[1],
                                   d.get()[0],
                                   __half2float(__low2half(halves)),
                                   __half2float(__high2half(halves)),
                                   to_double(__low2bfloat16(pair)),
                                   to_double(__high2bfloat16(pair))};
  return same(got, {sum, sum, sum + kCount * 0.5, sum, kCount, kCount, kCount / 2});
}

std::string largest_by_cas() {
  std::vector<float> v = Numbers(23).floats(150);
  for (float& each : v) each = std::fabs(each);
  DeviceArray<float> x(v);
  auto bits = DeviceArray<int>::zeros(1);
  kernels::largest_by_cas<<<2, 96>>>(x, 150, bits);
  finish_launch();
  float got = 0;
  const int got_bits = bits.get()[0];
  std::memcpy(&got, &got_bits, sizeof(got));
  return same(std::vector<float>{got}, {*std::max_element(v.begin(), v.end())});
}

std::string push_by_exchange() {
  constexpr int kCount = 100;
  DeviceArray<int> head(std::vector<int>{-1}), next(kCount);
  kernels::push_by_exchange<<<2, 64>>>(head, next, kCount);
  finish_launch();
  const std::vector<int> links = next.get();
  std::vector<int> seen(kCount);
  int steps = 0;
  for (int node = head.get()[0]; node >= 0 && steps <= kCount; node = links[node], ++steps) {
    ++seen[node];
  }
  return same(seen, std::vector<int>(kCount, 1), "times in the list");
}

std::string count_under_lock() {
  auto lock = DeviceArray<int>::zeros(1);
  auto counter = DeviceArray<int>::zeros(1);
  kernels::count_under_lock<<<4, 64>>>(lock, counter);
  finish_launch();
  return same(counter.get(), {8});
}

}  // namespace

Cases cases() {
  return {{"IntegerAtomics", {}, {}, integers},
          {"FloatingAtomics", {}, {}, floats},
          {"LargestByCompareAndSwap", {}, {}, largest_by_cas},
          {"PushByExchange", {}, {}, push_by_exchange},
          {"CountUnderLock", {}, {}, count_under_lock}};
}

}  // namespace moe::simt::cuda_tests::atomic
