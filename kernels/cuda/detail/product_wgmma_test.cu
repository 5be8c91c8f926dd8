// The wgmma product against a plain one, in many orders.
#include "kernels/cuda/detail/hopper_case.h"

namespace moe::cuda {
namespace {

class ProductWgmma : public testing::ProductTest {};

TEST_P(ProductWgmma, IsRight) { expect_product(GetParam().product, product_wgmma_with); }

INSTANTIATE_TEST_SUITE_P(All, ProductWgmma, ::testing::ValuesIn(testing::product_cases()),
                         testing::name_of_case);

}  // namespace
}  // namespace moe::cuda
