// The product of mixed tile heights against a plain one, in many orders.
#include "kernels/cuda/detail/hopper_case.h"

namespace moe::cuda {
namespace {

class ProductMixed : public testing::ProductTest {};

TEST_P(ProductMixed, IsRight) { expect_product(GetParam().product, product_mixed_with); }

INSTANTIATE_TEST_SUITE_P(All, ProductMixed, ::testing::ValuesIn(testing::product_cases()),
                         testing::name_of_case);

}  // namespace
}  // namespace moe::cuda
