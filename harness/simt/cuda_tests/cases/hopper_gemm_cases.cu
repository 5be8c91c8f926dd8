// The TMA and wgmma product in its variants, against a plain one.
#include "harness/simt/cuda_tests/kernels/hopper_gemm.cuh"
#include "harness/simt/cuda_tests/support/case.h"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"
#include "harness/simt/cuda_tests/support/tensor_map.h"

namespace moe::simt::cuda_tests::hopper_gemm {
namespace {

using kernels::Registers;
using kernels::Store;

template <int kCluster, Store kStore, Registers kRegisters>
std::string product_of(int m, int n, int k) {
  const std::vector<__nv_bfloat16> a = Numbers(101).bfloats(m * k), b = Numbers(102).bfloats(n * k);
  DeviceArray<__nv_bfloat16> da(a), db(b);
  DeviceArray<float> c(m * n);
  const unsigned rows_a = 64 / kCluster;
  const CUtensorMap map_a = tensor_map(da, {.rows = m, .columns = k, .box_rows = rows_a});
  const CUtensorMap map_b = tensor_map(db, {.rows = n, .columns = k});
  const CUtensorMap map_c = tensor_map(c, {.type = CU_TENSOR_MAP_DATA_TYPE_FLOAT32,
                                           .element_bytes = 4,
                                           .rows = m,
                                           .columns = n,
                                           .swizzle = CU_TENSOR_MAP_SWIZZLE_NONE});
  auto* kernel = &kernels::hopper_gemm<kCluster, kStore, kRegisters>;
  allow_shared(kernel, kernels::kHopperSharedBytes);
  cudaLaunchAttribute cluster{};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim = {kCluster, 1, 1};
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(n / 64, m / 64);
  config.blockDim = 256;
  config.dynamicSmemBytes = kernels::kHopperSharedBytes;
  config.attrs = &cluster;
  config.numAttrs = kCluster > 1 ? 1 : 0;
  cuda_check(cudaLaunchKernelEx(&config, kernel, map_a, map_b, map_c, c.data(), n, k));
  finish_launch();
  const Product want = product(a, b, m, n, k, 2 * kFloatUnit, to_double);
  return near(c.get(), want.value, want.bound);
}

// More steps than stages, so that each stage is used again.
std::string plain() {
  return product_of<1, Store::kFromRegisters, Registers::kAsLaunched>(64, 128, 320);
}
std::string registers_handed_over() {
  return product_of<1, Store::kFromRegisters, Registers::kHandedOver>(64, 64, 320);
}
std::string stored_by_tensor_copy() {
  return product_of<1, Store::kByTensorCopy, Registers::kAsLaunched>(128, 64, 128);
}
std::string multicast() {
  return product_of<2, Store::kFromRegisters, Registers::kAsLaunched>(64, 128, 320);
}
std::string all_of_it() {
  return product_of<2, Store::kByTensorCopy, Registers::kHandedOver>(64, 128, 256);
}

}  // namespace

Cases cases() {
  return {{"HopperGemm", Needs::kWgmma, {}, plain},
          {"HopperGemmRegistersHandedOver", Needs::kWgmma, {}, registers_handed_over},
          {"HopperGemmStoredByTensorCopy", Needs::kWgmma, {}, stored_by_tensor_copy},
          {"HopperGemmMulticast", Needs::kWgmma, {}, multicast},
          {"HopperGemmAllOfIt", Needs::kWgmma, {}, all_of_it}};
}

}  // namespace moe::simt::cuda_tests::hopper_gemm
