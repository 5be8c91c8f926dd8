// Bulk copies in both directions, and a cluster whose blocks touch each other's shared memory.
#include <numeric>

#include "harness/simt/cuda_tests/kernels/cluster.cuh"
#include "harness/simt/cuda_tests/support/case.h"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"

namespace moe::simt::cuda_tests::bulk_copy {
namespace {

std::string double_by_bulk_copies() {
  constexpr int kInts = 96;
  std::vector<int> v = Numbers(91).integers(2 * kInts, 1000);
  DeviceArray<int> x(v), out(2 * kInts);
  kernels::double_by_bulk_copies<kInts><<<1, 64>>>(x, out);
  finish_launch();
  for (int& each : v) each *= 2;
  return same(out.get(), v);
}

std::string cluster_sums() {
  constexpr int kCluster = 4, kClusters = 2, kBlocks = kCluster * kClusters;
  const std::vector<int> v = Numbers(92).integers(kBlocks * 32, 1000);
  DeviceArray<int> x(v), sums(kClusters), left(kBlocks);
  cudaLaunchAttribute cluster{};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim = {kCluster, 1, 1};
  cudaLaunchConfig_t config{};
  config.gridDim = kBlocks;
  config.blockDim = 32;
  config.attrs = &cluster;
  config.numAttrs = 1;
  cuda_check(cudaLaunchKernelEx(&config, kernels::cluster_sums<kCluster>,
                                static_cast<const int*>(x.data()), sums.data(), left.data()));
  finish_launch();
  std::vector<int> want_sums, want_left;
  for (int c = 0; c < kClusters; ++c) {
    const auto begin = v.begin() + c * kCluster * 32;
    want_sums.push_back(std::accumulate(begin, begin + kCluster * 32, 0));
  }
  for (int b = 0; b < kBlocks; ++b) want_left.push_back((b + kCluster - 1) % kCluster);
  return first_of({same(sums.get(), want_sums, "sum"), same(left.get(), want_left, "neighbour")});
}

}  // namespace

Cases cases() {
  return {{"DoubleByBulkCopies", Needs::kHopper, {}, double_by_bulk_copies},
          {"ClusterSums", Needs::kHopper, {}, cluster_sums}};
}

}  // namespace moe::simt::cuda_tests::bulk_copy
