// Rings of cp.async stages, by groups and by mbarriers.
#include "harness/simt/cuda_tests/kernels/pipeline.cuh"
#include "harness/simt/cuda_tests/support/case.h"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"

namespace moe::simt::cuda_tests::pipeline {
namespace {

std::string ring(void (*kernel)(const int4*, int, int4*), int tiles) {
  constexpr int kThreads = kernels::kRingThreads;
  const std::vector<int> v = Numbers(71).integers(tiles * kThreads * 4, 1000);
  DeviceArray<int> x(v), out(kThreads * 4);
  kernel<<<1, kThreads>>>(reinterpret_cast<const int4*>(x.data()), tiles,
                          reinterpret_cast<int4*>(out.data()));
  finish_launch();
  std::vector<int> want(kThreads * 4);
  for (int tile = 0; tile < tiles; ++tile) {
    for (int i = 0; i < kThreads; ++i) {
      for (int j = 0; j < 4; ++j) {
        want[i * 4 + j] += v[(tile * kThreads + kThreads - 1 - i) * 4 + j];
      }
    }
  }
  return same(out.get(), want);
}

std::string by_groups() { return ring(kernels::ring_by_groups<3>, 8); }
std::string deep_by_groups() { return ring(kernels::ring_by_groups<5>, 3); }  // never full
std::string by_mbarriers() { return ring(kernels::ring_by_mbarriers<3>, 8); }

}  // namespace

Cases cases() {
  return {{"RingByGroups", {}, {}, by_groups},
          {"RingDeeperThanTiles", {}, {}, deep_by_groups},
          {"RingByMbarriers", {}, {}, by_mbarriers}};
}

}  // namespace moe::simt::cuda_tests::pipeline
