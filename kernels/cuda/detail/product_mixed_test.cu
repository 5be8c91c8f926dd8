// The product of mixed tile heights against a plain one, in many orders.
#include "harness/simt/runtime/control.h"
#include "kernels/cuda/detail/hopper_case.h"

namespace moe::cuda {
namespace {

using testing::ProductCase;

class ProductMixed : public testing::ProductTest {};

TEST_P(ProductMixed, IsRight) { expect_product(GetParam().product, product_mixed_with); }

INSTANTIATE_TEST_SUITE_P(All, ProductMixed, ::testing::ValuesIn(testing::product_cases()),
                         testing::name_of_case);
INSTANTIATE_TEST_SUITE_P(
    Heights, ProductMixed,
    ::testing::Values(testing::NamedCase{"EveryNarrowHeight",
                                         {.rows = {16, 17, 48, 49}, .columns = 33, .blocks = 3}},
                      testing::NamedCase{"NarrowAfterWide",
                                         {.rows = {130, 2, 192, 65},
                                          .columns = 8,
                                          .depth = 136,
                                          .c_type = DType::kBf16,
                                          .blocks = 2,
                                          .large = true}}),
    testing::name_of_case);

// What one launch of the product took.
simt::Counters counters_of(const ProductCase& c) {
  const testing::Problem problem(c);
  simt::take_counters();
  EXPECT_EQ(problem.run(product_mixed_with), "");
  const auto launches = simt::take_counters();
  EXPECT_EQ(launches.size(), 1u);
  return launches.at(0).counters;
}

class ProductMixedCounts : public testing::ProductTest {};

// Of 300 rows, 256 are two wide tiles: 2 warpgroups x 4 wgmma a stage. The other 44 are three
// granules of 16 rows: 8 warps x 4 slices x 2 mma.sync a stage and granule.
TEST_F(ProductMixedCounts, OnlyTheLastRowsOfAGroupUseMmaSync) {
  const simt::Counters counters = counters_of({.rows = {300}, .depth = 64});
  EXPECT_EQ(counters.wgmma, 2u * 2 * 4);
  EXPECT_EQ(counters.mma, 3u * 8 * 4 * 2);
}

TEST_F(ProductMixedCounts, MoreThan64RowsAreAWideTile) {
  EXPECT_EQ(counters_of({.rows = {65}, .depth = 64}).mma, 0u);
  EXPECT_EQ(counters_of({.rows = {64}, .depth = 64}).wgmma, 0u);
}

TEST_F(ProductMixedCounts, FragmentsAreReadWithoutBankConflicts) {
  const simt::Counters counters = counters_of({.rows = {64}, .depth = 640});
  EXPECT_EQ(counters.shared_load.sectors, counters.shared_load.ideal);
}

}  // namespace
}  // namespace moe::cuda
