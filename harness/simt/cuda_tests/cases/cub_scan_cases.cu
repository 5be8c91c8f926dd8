// CUB's device-wide scan, select, histogram and reduction, unmodified.
#include <algorithm>
#include <cub/device/device_histogram.cuh>
#include <cub/device/device_reduce.cuh>
#include <cub/device/device_scan.cuh>
#include <cub/device/device_select.cuh>
#include <numeric>

#include "harness/simt/cuda_tests/cases/cub_cases.h"
#include "harness/simt/cuda_tests/support/case.h"

namespace moe::simt::cuda_tests::cub_scan {
namespace {

std::string exclusive_sum(int n) {
  const std::vector<int> v = Numbers(121).integers(n, 1000);
  DeviceArray<int> in(v), out(n);
  run_cub([&](void* temporary, std::size_t& bytes) {
    return cub::DeviceScan::ExclusiveSum(temporary, bytes, in.data(), out.data(), n);
  });
  std::vector<int> want(n);
  std::exclusive_scan(v.begin(), v.end(), want.begin(), 0);
  return same(out.get(), want);
}

std::string inclusive_max(int n) {
  const std::vector<int> v = Numbers(122).integers(n, 1'000'000);
  DeviceArray<int> in(v), out(n);
  run_cub([&](void* temporary, std::size_t& bytes) {
    return cub::DeviceScan::InclusiveScan(temporary, bytes, in.data(), out.data(),
                                          ::cuda::maximum<>{}, n);
  });
  std::vector<int> want(n);
  std::inclusive_scan(v.begin(), v.end(), want.begin(),
                      [](int a, int b) { return std::max(a, b); });
  return same(out.get(), want);
}

struct IsEven {
  __host__ __device__ bool operator()(int x) const { return x % 2 == 0; }
};

// What was selected, and how many: `algorithm` is handed the temporary memory and the outputs.
template <class Algorithm>
std::string select(const std::vector<int>& v, const std::vector<int>& want, Algorithm&& algorithm) {
  DeviceArray<int> in(v), out(v.size()), selected(1);
  run_cub([&](void* temporary, std::size_t& bytes) {
    return algorithm(temporary, bytes, in.data(), out.data(), selected.data());
  });
  const int count = selected.get()[0];
  if (count != static_cast<int>(want.size())) return "selected " + std::to_string(count);
  // Behind the selected ones nothing was written: only they may be read.
  std::vector<int> got(count);
  cuda_check(cudaMemcpy(got.data(), out.data(), count * sizeof(int), cudaMemcpyDeviceToHost));
  return same(got, want);
}

std::string select_if(int n) {
  const std::vector<int> v = Numbers(123).integers(n, 1000);
  std::vector<int> want;
  std::copy_if(v.begin(), v.end(), std::back_inserter(want), IsEven());
  return select(v, want, [&](void* temporary, std::size_t& bytes, int* in, int* out, int* count) {
    return cub::DeviceSelect::If(temporary, bytes, in, out, count, n, IsEven());
  });
}
std::string select_flagged(int n) {
  const std::vector<int> v = Numbers(124).integers(n, 1000), flags = Numbers(125).integers(n, 2);
  DeviceArray<int> device_flags(flags);
  std::vector<int> want;
  for (int i = 0; i < n; ++i) {
    if (flags[i] != 0) want.push_back(v[i]);
  }
  return select(v, want, [&](void* temporary, std::size_t& bytes, int* in, int* out, int* count) {
    return cub::DeviceSelect::Flagged(temporary, bytes, in, device_flags.data(), out, count, n);
  });
}
std::string select_unique(int n) {
  const std::vector<int> v = Numbers(126).integers(n, 3);
  std::vector<int> want = v;
  want.erase(std::unique(want.begin(), want.end()), want.end());
  return select(v, want, [&](void* temporary, std::size_t& bytes, int* in, int* out, int* count) {
    return cub::DeviceSelect::Unique(temporary, bytes, in, out, count, n);
  });
}

std::string histogram(int n) {
  constexpr int kBins = 40;
  const std::vector<int> v = Numbers(127).integers(n, kBins);
  DeviceArray<int> in(v), counts(kBins);
  run_cub([&](void* temporary, std::size_t& bytes) {
    return cub::DeviceHistogram::HistogramEven(temporary, bytes, in.data(), counts.data(),
                                               kBins + 1, 0, kBins, n);
  });
  std::vector<int> want(kBins);
  for (int each : v) ++want[each];
  return same(counts.get(), want);
}

std::string reduce(int n) {
  const std::vector<int> v = Numbers(128).integers(n, 1000);
  DeviceArray<int> in(v), sum(1), largest(1);
  run_cub([&](void* temporary, std::size_t& bytes) {
    return cub::DeviceReduce::Sum(temporary, bytes, in.data(), sum.data(), n);
  });
  run_cub([&](void* temporary, std::size_t& bytes) {
    return cub::DeviceReduce::Max(temporary, bytes, in.data(), largest.data(), n);
  });
  const int most =
      n == 0 ? std::numeric_limits<int>::lowest() : *std::max_element(v.begin(), v.end());
  return first_of({same(sum.get(), {std::accumulate(v.begin(), v.end(), 0)}, "sum"),
                   same(largest.get(), {most}, "largest")});
}

template <std::string (*kOne)(int)>
std::string small() {
  return for_small_sizes(kOne);
}
template <std::string (*kOne)(int)>
std::string large() {
  return kOne(kCubLarge);
}

}  // namespace

Cases cases() {
  const Effort few = Effort::kFewSchedules;
  return {{"CubExclusiveSum", {}, {}, small<exclusive_sum>},
          {"CubInclusiveMax", {}, {}, small<inclusive_max>},
          {"CubSelectIf", {}, {}, small<select_if>},
          {"CubSelectFlagged", {}, {}, small<select_flagged>},
          {"CubSelectUnique", {}, {}, small<select_unique>},
          {"CubHistogram", {}, {}, small<histogram>},
          {"CubReduce", {}, {}, small<reduce>},
          {"CubExclusiveSumLarge", {}, few, large<exclusive_sum>},
          {"CubSelectIfLarge", {}, few, large<select_if>},
          {"CubHistogramLarge", {}, few, large<histogram>},
          {"CubReduceLarge", {}, few, large<reduce>}};
}

}  // namespace moe::simt::cuda_tests::cub_scan
