// Transposition of 8x8 fragments.
#include "harness/simt/execute/ldmatrix.h"

#include <gtest/gtest.h>

namespace moe::simt {
namespace {

// Element (row, column) is 10 * row + column.
Fragment8x8 numbered() {
  Fragment8x8 fragment{};
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    const std::uint32_t low = 10 * (lane / 4) + 2 * (lane % 4);
    fragment.lanes[lane] = low | (low + 1) << 16;
  }
  return fragment;
}

TEST(Transposed, SwapsRowAndColumn) {
  const Fragment8x8 result = transposed(numbered());
  EXPECT_EQ(result.lanes[0], 0u | 10u << 16);  // row 0: elements (0,0) and (1,0)
  EXPECT_EQ(result.lanes[3], 60u | 70u << 16);
  EXPECT_EQ(result.lanes[4], 1u | 11u << 16);    // row 1
  EXPECT_EQ(result.lanes[30], 47u | 57u << 16);  // row 7, columns 4 and 5
}

TEST(Transposed, TwiceIsTheSame) {
  const Fragment8x8 once = numbered();
  const Fragment8x8 twice = transposed(transposed(once));
  for (int lane = 0; lane < 32; ++lane) EXPECT_EQ(twice.lanes[lane], once.lanes[lane]) << lane;
}

TEST(Transposed, CarriesPoisonAlong) {
  // Lane 9 holds (2, 2) and (2, 3), which go to (2, 2) and (3, 2): lanes 9 and 13.
  EXPECT_EQ(transposed_poison(1u << 9), 1u << 9 | 1u << 13);
  EXPECT_EQ(transposed_poison(0), 0u);
}

}  // namespace
}  // namespace moe::simt
