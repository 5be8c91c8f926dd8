#include "kernels/cuda/product/product_testing.h"

namespace moe::cuda {
namespace {

using namespace testing;

class ProductMma : public ::testing::TestWithParam<std::tuple<ProductKernel, DType>> {
 protected:
  void SetUp() override {
    if (const auto reason = product_unsupported(kernel(), dtype())) GTEST_SKIP() << *reason;
  }
  static ProductKernel kernel() { return std::get<0>(GetParam()); }
  static DType dtype() { return std::get<1>(GetParam()); }
};

// f16 and tf32 differ from bf16 in one instruction: in all orders with one kind of tile only.
TEST_P(ProductMma, EqualsTheProductInDoublePrecision) {
  const bool alike = dtype() == DType::kF16 || dtype() == DType::kTf32;
  const bool in_two_ways = alike && kernel() != ProductKernel::kMma64;
  expect_products(edge_cases(dtype()), kernel(), in_two_ways ? two_ways() : some_ways());
}

TEST_P(ProductMma, RefillsItsRingFromTileToTile) {
  if (dtype() != DType::kBf16) return;
  expect_products(ring_cases(dtype()), kernel());
}

// What follows the products is the same code for all types of A.
TEST_P(ProductMma, StoresEveryTypeWithEveryEpilogue) {
  if (dtype() == DType::kF16 || dtype() == DType::kTf32) return;
  expect_products(output_cases(dtype()), kernel(), two_ways());
}

INSTANTIATE_TEST_SUITE_P(
    All, ProductMma,
    ::testing::Combine(::testing::Values(ProductKernel::kMma16, ProductKernel::kMma64,
                                         ProductKernel::kMma128),
                       ::testing::Values(DType::kBf16, DType::kF16, DType::kTf32, DType::kE4m3)),
    [](const auto& name) {
      return "Tile" + std::to_string(tile_rows(std::get<0>(name.param))) + "_" +
             std::string(moe::to_string(std::get<1>(name.param)));
    });

}  // namespace
}  // namespace moe::cuda
