// CUB's block and warp algorithms inside a kernel of our own.
#include <algorithm>
#include <cub/block/block_radix_sort.cuh>
#include <cub/block/block_reduce.cuh>
#include <cub/block/block_scan.cuh>
#include <cub/warp/warp_reduce.cuh>
#include <numeric>

#include "harness/simt/cuda_tests/support/case.h"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"

namespace moe::simt::cuda_tests::cub_block {
namespace {

constexpr int kThreads = 64, kEach = 3, kCount = kThreads * kEach;

__global__ void block_sort(const int* x, int* sorted, int* prefix, int* warp_sums, int* total) {
  using Sort = cub::BlockRadixSort<int, kThreads, kEach>;
  using Scan = cub::BlockScan<int, kThreads>;
  using Reduce = cub::BlockReduce<int, kThreads>;
  using WarpReduce = cub::WarpReduce<int>;
  __shared__ union {
    typename Sort::TempStorage sort;
    typename Scan::TempStorage scan;
    typename Reduce::TempStorage reduce;
  } shared;
  __shared__ typename WarpReduce::TempStorage of_warp[kThreads / 32];

  int items[kEach];
  for (int i = 0; i < kEach; ++i) items[i] = x[threadIdx.x * kEach + i];
  Sort(shared.sort).Sort(items, 0, 12);
  for (int i = 0; i < kEach; ++i) sorted[threadIdx.x * kEach + i] = items[i];
  __syncthreads();
  int sums[kEach];
  Scan(shared.scan).ExclusiveSum(items, sums);
  for (int i = 0; i < kEach; ++i) prefix[threadIdx.x * kEach + i] = sums[i];
  const int sum = WarpReduce(of_warp[threadIdx.x / 32]).Sum(items[0]);
  if (threadIdx.x % 32 == 0) warp_sums[threadIdx.x / 32] = sum;
  __syncthreads();
  const int all = Reduce(shared.reduce).Sum(items);
  if (threadIdx.x == 0) *total = all;
}

std::string block_algorithms() {
  std::vector<int> v = Numbers(131).integers(kCount, 4096);
  DeviceArray<int> x(v), sorted(kCount), prefix(kCount), warp_sums(kThreads / 32), total(1);
  block_sort<<<1, kThreads>>>(x, sorted, prefix, warp_sums, total);
  finish_launch();
  std::sort(v.begin(), v.end());
  std::vector<int> want(kCount), want_sums(kThreads / 32);
  std::exclusive_scan(v.begin(), v.end(), want.begin(), 0);
  for (int t = 0; t < kThreads; ++t) want_sums[t / 32] += v[t * kEach];
  return first_of({same(sorted.get(), v, "sorted"), same(prefix.get(), want, "prefix"),
                   same(warp_sums.get(), want_sums, "warp sum"),
                   same(total.get(), {std::accumulate(v.begin(), v.end(), 0)}, "total")});
}

}  // namespace

Cases cases() { return {{"CubBlockAlgorithms", {}, {}, block_algorithms}}; }

}  // namespace moe::simt::cuda_tests::cub_block
