// Sums of products: value, order, rounding.
#include "harness/simt/execute/mma_product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace moe::simt {
namespace {

TEST(MmaProduct, AgreesWithATripleLoopInDouble) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> values(-1, 1);
  for (const auto& [rows, columns, depth] :
       {std::tuple{8, 8, 4}, {16, 8, 16}, {16, 8, 64}, {16, 24, 8}, {16, 256, 32}}) {
    std::vector<float> a(rows * depth), b(depth * columns), sums(rows * columns);
    for (float& value : a) value = values(random);
    for (float& value : b) value = values(random);
    multiply(a.data(), b.data(), sums.data(), rows, columns, depth);
    for (int m = 0; m < rows; ++m) {
      for (int n = 0; n < columns; ++n) {
        double sum = 0, magnitude = 0;
        for (int k = 0; k < depth; ++k) {
          const double product = double{a[m * depth + k]} * b[k * columns + n];
          sum += product;
          magnitude += std::abs(product);
        }
        // Each of `depth` products and sums is rounded once.
        EXPECT_LE(std::abs(sums[m * columns + n] - sum), (depth + 1) * 0x1p-24 * magnitude);
      }
    }
  }
}

TEST(MmaProduct, AddsInTheOrderOfK) {
  // 2^24 + 1 is 2^24 in float: one by one the ones vanish, all ones first they count.
  std::vector<float> a(8 * 4, 0.0f), b(4 * 8, 1.0f), sums(8 * 8);
  const float up[4] = {0x1p24f, 1, 1, 1}, down[4] = {1, 1, 1, 0x1p24f};
  for (int k = 0; k < 4; ++k) {
    a[k] = up[k];
    a[4 + k] = down[k];
  }
  multiply(a.data(), b.data(), sums.data(), 8, 8, 4);
  EXPECT_EQ(sums[0], 0x1p24f);
  EXPECT_EQ(sums[8], 0x1p24f + 4);  // 2^24 + 3 lies between 2^24 + 2 and + 4: ties to even
}

TEST(MmaProduct, RoundsTheProductBeforeItIsAdded) {
  // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24: the last term is half a unit and is lost when rounded, so
  // that nothing is left; a fused multiply-add would keep it.
  const float x = 1 + 0x1p-12f;
  std::vector<float> a(4 * 2, 0.0f), b(2 * 8, 0.0f), sums(4 * 8);
  a[0] = -(1 + 0x1p-11f), a[1] = x;
  b[0] = 1, b[8] = x;
  multiply(a.data(), b.data(), sums.data(), 4, 8, 2);
  EXPECT_EQ(sums[0], 0.0f);
}

}  // namespace
}  // namespace moe::simt
