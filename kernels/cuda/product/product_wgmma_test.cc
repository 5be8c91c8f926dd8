#include "kernels/cuda/product/hopper_testing.h"

namespace moe::cuda {
namespace {

using namespace testing;

class ProductWgmma : public HopperTest {};

TEST_P(ProductWgmma, EqualsTheProductInDoublePrecision) {
  expect_right_with(product_wgmma_with, 1000, edge_cases(GetParam()), ways_of(GetParam()));
}
INSTANTIATE_TEST_SUITE_P(All, ProductWgmma, tensor_core_types(), name_of_type);

class ProductWgmmaOnce : public HopperTest {};

TEST_F(ProductWgmmaOnce, StoresEveryTypeWithEveryEpilogue) {
  expect_right_with(product_wgmma_with, 1000, output_cases(DType::kBf16), two_ways());
}

TEST_F(ProductWgmmaOnce, RefillsItsRingFromTileToTile) {
  expect_right_with(product_wgmma_with, 2, long_cases());
}

TEST_F(ProductWgmmaOnce, MultipliesGroupsOfManyTiles) {
  expect_right_with(product_wgmma_with, 4, large_cases(), two_ways());
}

}  // namespace
}  // namespace moe::cuda
