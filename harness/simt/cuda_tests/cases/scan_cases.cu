// Prefix sums and sums across blocks.
#include <numeric>

#include "harness/simt/cuda_tests/kernels/scan.cuh"
#include "harness/simt/cuda_tests/support/case.h"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"

namespace moe::simt::cuda_tests::scan {
namespace {

std::string block_scan() {
  const std::vector<int> counts = Numbers(1).integers(100, 50);
  DeviceArray<int> x(counts), offsets(101);
  kernels::block_scan<128><<<1, 128>>>(x, 100, offsets);
  finish_launch();
  std::vector<int> want(101);
  std::partial_sum(counts.begin(), counts.end(), want.begin() + 1);
  return same(offsets.get(), want);
}

// More tiles than blocks run at a time, and a last one that is not full.
std::string grid_scan() {
  constexpr int kThreads = 64, kTiles = 21, kCount = kThreads * kTiles - 17;
  const std::vector<int> values = Numbers(2).integers(kCount, 1000);
  DeviceArray<int> x(values), out(kCount);
  auto tiles = DeviceArray<unsigned long long>::zeros(kTiles);
  auto next = DeviceArray<unsigned>::zeros(1);
  kernels::grid_scan<kThreads><<<kTiles, kThreads>>>(x, kCount, tiles, next, out);
  finish_launch();
  std::vector<int> want(kCount);
  std::partial_sum(values.begin(), values.end(), want.begin());
  return same(out.get(), want);
}

std::string last_block_sum() {
  const std::vector<int> values = Numbers(3).integers(900, 1000);
  DeviceArray<int> x(values), partial(7), total(1);
  auto finished = DeviceArray<unsigned>::zeros(1);
  kernels::last_block_sum<64><<<7, 64>>>(x, 900, partial, finished, total);
  finish_launch();
  return same(total.get(), {std::accumulate(values.begin(), values.end(), 0)});
}

}  // namespace

Cases cases() {
  return {{"BlockScan", {}, {}, block_scan},
          {"DecoupledLookBackScan", {}, {}, grid_scan},
          {"LastBlockSum", {}, {}, last_block_sum}};
}

}  // namespace moe::simt::cuda_tests::scan
