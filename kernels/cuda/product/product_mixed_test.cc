#include "harness/simt/runtime/control.h"
#include "kernels/cuda/product/hopper_testing.h"

namespace moe::cuda {
namespace {

using namespace testing;

class ProductMixed : public HopperTest {};

TEST_P(ProductMixed, EqualsTheProductInDoublePrecision) {
  expect_right_with(product_mixed_with, 1000, edge_cases(GetParam()), ways_of(GetParam()));
}
INSTANTIATE_TEST_SUITE_P(All, ProductMixed, tensor_core_types(), name_of_type);

class ProductMixedOnce : public HopperTest {};

TEST_F(ProductMixedOnce, StoresEveryTypeWithEveryEpilogue) {
  expect_right_with(product_mixed_with, 1000, output_cases(DType::kBf16), two_ways());
}

TEST_F(ProductMixedOnce, RefillsItsRingFromTileToTile) {
  expect_right_with(product_mixed_with, 2, long_cases());
}

TEST_F(ProductMixedOnce, MultipliesGroupsOfManyTiles) {
  expect_right_with(product_mixed_with, 4, large_cases(), two_ways());
}

// Of every height, one after the other in one block.
TEST_F(ProductMixedOnce, ChangesItsHeightFromTileToTile) {
  expect_right_with(
      product_mixed_with, 1,
      {{DType::kBf16, {16, 65, 17, 48, 130, 49}, 8, 72, Epilogue::kStore, DType::kBf16}});
}

// What one launch took.
simt::Counters counters_of(int rows, int columns, int depth) {
  const ProductProblem problem({DType::kBf16, {rows}, columns, depth});
  simt::take_counters();
  EXPECT_EQ(problem.run([](const GroupedProduct& p) { product_mixed(p, stream()); }), "");
  return simt::take_counters().back().counters;
}

// Of 300 rows, 256 are two wide tiles: 2 warpgroups x 4 wgmma a stage. The other 44 are three
// times 16 rows: 8 warps x 4 slices x 2 mma.sync a stage each.
TEST_F(ProductMixedOnce, MultipliesOnlyTheLastRowsOfAGroupByMmaSync) {
  const simt::Counters counters = counters_of(300, 128, 64);
  EXPECT_EQ(counters.wgmma, 2u * 2 * 4);
  EXPECT_EQ(counters.mma, 3u * 8 * 4 * 2);
}

TEST_F(ProductMixedOnce, MakesMoreThan64RowsAWideTile) {
  EXPECT_EQ(counters_of(65, 128, 64).mma, 0u);
  EXPECT_EQ(counters_of(64, 128, 64).wgmma, 0u);
}

TEST_F(ProductMixedOnce, ReadsFragmentsWithoutBankConflicts) {
  const simt::Counters counters = counters_of(64, 128, 640);
  EXPECT_EQ(counters.shared_load.sectors, counters.shared_load.ideal);
}

}  // namespace
}  // namespace moe::cuda
