// The wgmma product against a plain one, in many orders.
#include "kernels/cuda/detail/hopper_case.h"

namespace moe::cuda {
namespace {

using testing::ProductCase;

class ProductWgmma : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!device_traits().has_wgmma()) GTEST_SKIP() << "wgmma is of compute capability 9.0";
  }
  static void expect_right(const ProductCase& c) {
    const testing::Problem problem(c);
    testing::expect_right([&] { return problem.run(product_wgmma_with); });
  }
};

TEST_F(ProductWgmma, MultipliesOneTile) { expect_right({.rows = {128}}); }

TEST_F(ProductWgmma, RefillsItsRing) { expect_right({.rows = {65}, .columns = 33, .depth = 600}); }

TEST_F(ProductWgmma, StoresSwiglu) {
  expect_right({.rows = {17, 0, 1},
                .columns = 130,
                .depth = 100,
                .epilogue = Epilogue::kSwiglu,
                .c_type = DType::kBf16});
}

TEST_F(ProductWgmma, MultipliesF16) {
  expect_right({.dtype = DType::kF16, .rows = {64}, .columns = 8, .c_type = DType::kF16});
}

TEST_F(ProductWgmma, MultipliesTf32) {
  expect_right({.dtype = DType::kTf32, .rows = {16}, .depth = 100, .c_type = DType::kTf32});
}

TEST_F(ProductWgmma, MultipliesE4m3WithScales) {
  expect_right({.dtype = DType::kE4m3, .rows = {63, 1}, .depth = 200});
}

TEST_F(ProductWgmma, AddsToTokens) {
  expect_right({.rows = {17, 5}, .columns = 33, .epilogue = Epilogue::kScatterAdd});
}

TEST_F(ProductWgmma, GathersRows) {
  expect_right({.rows = {70, 0, 30}, .columns = 130, .depth = 100, .gather = true});
}

}  // namespace
}  // namespace moe::cuda
