// The product of mixed tile heights against a plain one, in many orders.
#include "kernels/cuda/detail/hopper_case.h"

namespace moe::cuda {
namespace {

using testing::ProductCase;

class ProductMixed : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!device_traits().has_wgmma()) GTEST_SKIP() << "wgmma is of compute capability 9.0";
  }
  static void expect_right(const ProductCase& c) {
    const testing::Problem problem(c);
    testing::expect_right([&] { return problem.run(product_mixed_with); });
  }
};

TEST_F(ProductMixed, MultipliesOneTile) { expect_right({.rows = {128}}); }

TEST_F(ProductMixed, RefillsItsRing) { expect_right({.rows = {65}, .columns = 33, .depth = 600}); }

TEST_F(ProductMixed, StoresSwiglu) {
  expect_right({.rows = {17, 0, 1},
                .columns = 130,
                .depth = 100,
                .epilogue = Epilogue::kSwiglu,
                .c_type = DType::kBf16});
}

TEST_F(ProductMixed, MultipliesF16) {
  expect_right({.dtype = DType::kF16, .rows = {64}, .columns = 8, .c_type = DType::kF16});
}

TEST_F(ProductMixed, MultipliesTf32) {
  expect_right({.dtype = DType::kTf32, .rows = {16}, .depth = 100, .c_type = DType::kTf32});
}

TEST_F(ProductMixed, MultipliesE4m3WithScales) {
  expect_right({.dtype = DType::kE4m3, .rows = {63, 1}, .depth = 200});
}

TEST_F(ProductMixed, AddsToTokens) {
  expect_right({.rows = {17, 5}, .columns = 33, .epilogue = Epilogue::kScatterAdd});
}

TEST_F(ProductMixed, GathersRows) {
  expect_right({.rows = {70, 0, 30}, .columns = 130, .depth = 100, .gather = true});
}

}  // namespace
}  // namespace moe::cuda
