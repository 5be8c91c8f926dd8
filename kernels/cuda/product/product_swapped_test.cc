#include "kernels/cuda/product/product_testing.h"

namespace moe::cuda {
namespace {

using namespace testing;

class ProductSwapped : public ::testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    const auto reason = product_unsupported(ProductKernel::kSwapped, GetParam());
    if (reason) GTEST_SKIP() << *reason;
  }
};

TEST_P(ProductSwapped, EqualsTheProductInDoublePrecision) {
  expect_products(edge_cases(GetParam()), ProductKernel::kSwapped);
}

TEST_P(ProductSwapped, RefillsItsRingFromTileToTile) {
  if (GetParam() != DType::kBf16) return;
  expect_products(ring_cases(GetParam()), ProductKernel::kSwapped);
}

// What follows the products is the same code for all types of A.
TEST_P(ProductSwapped, StoresEveryTypeWithEveryEpilogue) {
  if (GetParam() == DType::kF16 || GetParam() == DType::kTf32) return;
  expect_products(output_cases(GetParam()), ProductKernel::kSwapped, two_ways());
}

INSTANTIATE_TEST_SUITE_P(All, ProductSwapped,
                         ::testing::Values(DType::kBf16, DType::kF16, DType::kTf32, DType::kE4m3),
                         [](const auto& name) { return std::string(moe::to_string(name.param)); });

}  // namespace
}  // namespace moe::cuda
