// For the tests of the sm_90a products.
#pragma once
#include <algorithm>

#include "kernels/cuda/product/product_hopper.h"
#include "kernels/cuda/product/product_testing.h"

namespace moe::cuda::testing {

using LaunchWithBlocks = void (*)(const GroupedProduct&, int, cudaStream_t);

class HopperTest : public ::testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    if (!device_traits().has_wgmma()) GTEST_SKIP() << "wgmma is of compute capability 9.0";
  }
  // The products of all cases, on no more than `blocks` blocks.
  static void expect_right_with(LaunchWithBlocks launch, int blocks,
                                const std::vector<ProductCase>& cases,
                                const std::vector<simt::cuda_tests::Way>& ways = some_ways()) {
    for (const ProductCase& each : cases) {
      const ProductProblem problem(each);
      const auto program = [&] {
        return problem.run([&](const GroupedProduct& p) {
          launch(p, std::min(blocks, hopper_blocks(p)), stream());
        });
      };
      expect_right(program, ways);
      if (HasFatalFailure()) return;
    }
  }
};

// The kernels of bf16 and f16, and of tf32, differ in one instruction; that of e4m3 in its loop.
inline std::vector<simt::cuda_tests::Way> ways_of(DType dtype) {
  return dtype == DType::kBf16 || dtype == DType::kE4m3 ? some_ways() : two_ways();
}
inline auto tensor_core_types() {
  return ::testing::Values(DType::kBf16, DType::kF16, DType::kTf32, DType::kE4m3);
}
inline std::string name_of_type(const ::testing::TestParamInfo<DType>& info) {
  return std::string(moe::to_string(info.param));
}

// More tiles than blocks and more steps than stages: the ring goes on over the edges of tiles.
inline std::vector<ProductCase> long_cases() {
  return {
      {DType::kBf16, {65, 1, 0, 16, 127}, 33, 200, Epilogue::kStore, DType::kF32, false, false},
      {DType::kBf16, {70, 0, 30, 1}, 130, 200, Epilogue::kStore, DType::kBf16, true, false},
      {DType::kE4m3, {130, 64}, 8, 400, Epilogue::kStore, DType::kF32, true, false},
  };
}
inline std::vector<ProductCase> large_cases() {
  return {
      {DType::kBf16, {300}, 260, 136, Epilogue::kStore, DType::kBf16, false, false},
      {DType::kF16,
       {70, 0, 30, 1, 300, 0, 48, 2},
       130,
       64,
       Epilogue::kSwiglu,
       DType::kF16,
       true,
       false},
  };
}

}  // namespace moe::cuda::testing
