// The layouts a second time: as the ISA writes them, shape by shape, and as its figures draw them.
#include "harness/simt/execute/fragments.h"

#include <gtest/gtest.h>

#include <map>
#include <ostream>

#include "harness/simt/execute/fragments_isa.h"

namespace moe::simt {

static void PrintTo(const Position& at, std::ostream* os) { *os << at.row << ',' << at.column; }

namespace {

TEST(Fragments, OfAAreWhereTheIsaSays) {
  for (const ShapeOfA& shape : kShapesOfA) {
    std::map<std::pair<int, int>, int> seen;
    for (int lane = 0; lane < 32; ++lane) {
      for (int i = 0; i < shape.elements; ++i) {
        const Position at = position_in_a(lane, i, packed_elements(shape.bits), shape.rows);
        EXPECT_EQ(at, shape.rule(lane >> 2, lane % 4, i)) << shape.name << ' ' << lane << ' ' << i;
        ++seen[{at.row, at.column}];
        EXPECT_LT(at.row, shape.rows) << shape.name;
        EXPECT_LT(at.column, shape.depth) << shape.name;
      }
    }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(shape.rows * shape.depth)) << shape.name;
  }
}

TEST(Fragments, OfBAreWhereTheIsaSays) {
  for (const ShapeOfB& shape : kShapesOfB) {
    std::map<std::pair<int, int>, int> seen;
    for (int lane = 0; lane < 32; ++lane) {
      for (int i = 0; i < shape.elements; ++i) {
        const Position at = position_in_b(lane, i, packed_elements(shape.bits));
        EXPECT_EQ(at, shape.rule(lane >> 2, lane % 4, i)) << shape.name << ' ' << lane << ' ' << i;
        ++seen[{at.row, at.column}];
      }
    }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(shape.depth * 8)) << shape.name;
  }
}

TEST(Fragments, OfCAreWhereTheIsaSays) {
  for (int lane = 0; lane < 32; ++lane) {
    const int g = lane >> 2, t = lane % 4;
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(position_in_c(lane, i), position_in_c_of_the_isa(g, t, i)) << lane << ' ' << i;
    }
  }
}

// "WGMMA .m64nNk16 register fragment layout for accumulator matrix D": rows 0 and 8 of a warp,
// columns 0 to 15, as "thread:element" in the figure; row g adds 4 g to the thread.
TEST(Fragments, OfWgmmasDAreWhereTheFigureDrawsThem) {
  struct Place {
    int lane, element;
  };
  const Place row_0[16] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 0}, {2, 1}, {3, 0}, {3, 1},
                           {0, 4}, {0, 5}, {1, 4}, {1, 5}, {2, 4}, {2, 5}, {3, 4}, {3, 5}};
  const Place row_8[16] = {{0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 2}, {2, 3}, {3, 2}, {3, 3},
                           {0, 6}, {0, 7}, {1, 6}, {1, 7}, {2, 6}, {2, 7}, {3, 6}, {3, 7}};
  for (int g = 0; g < 8; ++g) {
    for (int column = 0; column < 16; ++column) {
      const Place upper = row_0[column], lower = row_8[column];
      EXPECT_EQ(position_in_c(upper.lane + 4 * g, upper.element), (Position{g, column}));
      EXPECT_EQ(position_in_c(lower.lane + 4 * g, lower.element), (Position{g + 8, column}));
    }
  }
  // The last of m64n256: a thread's elements 0 to 127.
  EXPECT_EQ(position_in_c(31, 127), (Position{15, 255}));
  EXPECT_EQ(position_in_c(0, 124), (Position{0, 248}));
}

// "MMA .m16n8k16 fragment layout for matrix A with .f16 / .bf16 type": the first row of the figure,
// and of its lower half, as lane and element from column 0 to 15.
TEST(Fragments, OfM16n8k16AreWhereTheFigureDrawsThem) {
  const int lanes[16] = {0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 2, 3, 3};
  const int upper[16] = {0, 1, 0, 1, 0, 1, 0, 1, 4, 5, 4, 5, 4, 5, 4, 5};
  const int lower[16] = {2, 3, 2, 3, 2, 3, 2, 3, 6, 7, 6, 7, 6, 7, 6, 7};
  for (int g = 0; g < 8; ++g) {
    for (int column = 0; column < 16; ++column) {
      const int lane = lanes[column] + 4 * g;
      EXPECT_EQ(position_in_a(lane, upper[column], 2, 16), (Position{g, column}));
      EXPECT_EQ(position_in_a(lane, lower[column], 2, 16), (Position{g + 8, column}));
    }
  }
  // B: column n belongs to the lanes 4 n to 4 n + 3, k from 0 to 15 down the figure.
  const int elements[16] = {0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3};
  for (int n = 0; n < 8; ++n) {
    for (int k = 0; k < 16; ++k) {
      EXPECT_EQ(position_in_b(lanes[k] + 4 * n, elements[k], 2), (Position{k, n}));
    }
  }
}

}  // namespace
}  // namespace moe::simt
