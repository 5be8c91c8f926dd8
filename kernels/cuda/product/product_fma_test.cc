#include "kernels/cuda/product/product_testing.h"

namespace moe::cuda {
namespace {

using namespace testing;

TEST(ProductFma, EqualsTheProductInDoublePrecision) {
  expect_products(edge_cases(DType::kF32), ProductKernel::kFma);
}

TEST(ProductFma, RefillsItsRingFromTileToTile) {
  expect_products(ring_cases(DType::kF32), ProductKernel::kFma);
}

TEST(ProductFma, StoresEveryTypeWithEveryEpilogue) {
  expect_products(output_cases(DType::kF32), ProductKernel::kFma, two_ways());
}

TEST(ProductFma, OtherTypesAreRefused) {
  EXPECT_EQ(product_unsupported(ProductKernel::kFma, DType::kF32), std::nullopt);
  EXPECT_EQ(product_unsupported(ProductKernel::kFma, DType::kBf16),
            "fma multiplies f32 only, not bf16");
}

}  // namespace
}  // namespace moe::cuda
