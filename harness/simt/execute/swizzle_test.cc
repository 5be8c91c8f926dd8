// The swizzle against the figures of the ISA.
#include "harness/simt/execute/swizzle.h"

#include <gtest/gtest.h>

namespace moe::simt {
namespace {

// The figures of PTX ISA 9.0, "Swizzling Modes": which 16-byte chunk of the plain layout stands at
// each place of a 128-byte line, line by line.
constexpr int k128[8][8] = {{0, 1, 2, 3, 4, 5, 6, 7}, {1, 0, 3, 2, 5, 4, 7, 6},
                            {2, 3, 0, 1, 6, 7, 4, 5}, {3, 2, 1, 0, 7, 6, 5, 4},
                            {4, 5, 6, 7, 0, 1, 2, 3}, {5, 4, 7, 6, 1, 0, 3, 2},
                            {6, 7, 4, 5, 2, 3, 0, 1}, {7, 6, 5, 4, 3, 2, 1, 0}};
constexpr int k64[4][8] = {{0, 1, 2, 3, 4, 5, 6, 7},
                           {1, 0, 3, 2, 5, 4, 7, 6},
                           {2, 3, 0, 1, 6, 7, 4, 5},
                           {3, 2, 1, 0, 7, 6, 5, 4}};
constexpr int k32[2][8] = {{0, 1, 2, 3, 4, 5, 6, 7}, {1, 0, 3, 2, 5, 4, 7, 6}};

TEST(Swizzle, FollowsTheFigureOf128Bytes) {
  for (std::uint32_t line = 0; line < 16; ++line) {
    for (std::uint32_t place = 0; place < 8; ++place) {
      const std::uint32_t chunk = k128[line % 8][place];
      EXPECT_EQ(swizzled(line * 128 + chunk * 16, Swizzle::k128Bytes), line * 128 + place * 16);
    }
  }
}

TEST(Swizzle, FollowsTheFigureOf64Bytes) {
  for (std::uint32_t line = 0; line < 16; ++line) {
    for (std::uint32_t place = 0; place < 8; ++place) {
      const std::uint32_t chunk = k64[line % 4][place];
      EXPECT_EQ(swizzled(line * 128 + chunk * 16, Swizzle::k64Bytes), line * 128 + place * 16);
    }
  }
}

TEST(Swizzle, FollowsTheFigureOf32Bytes) {
  for (std::uint32_t line = 0; line < 16; ++line) {
    for (std::uint32_t place = 0; place < 8; ++place) {
      const std::uint32_t chunk = k32[line % 2][place];
      EXPECT_EQ(swizzled(line * 128 + chunk * 16, Swizzle::k32Bytes), line * 128 + place * 16);
    }
  }
}

TEST(Swizzle, NoneMovesNothing) {
  for (std::uint32_t address = 0; address < 4096; address += 4) {
    EXPECT_EQ(swizzled(address, Swizzle::kNone), address);
  }
}

TEST(Swizzle, KeepsBytesOfAChunkTogether) {
  EXPECT_EQ(swizzled(128 + 7, Swizzle::k128Bytes), 128u + 16 + 7);
}

TEST(Swizzle, APatternThatStartsElsewhereCountsItsLinesFromThere) {
  // Patterns start at line 3: line 3 is not permuted, line 4 swaps neighbours.
  EXPECT_EQ(swizzled(3 * 128 + 5 * 16, Swizzle::k128Bytes, 3), 3u * 128 + 5 * 16);
  EXPECT_EQ(swizzled(4 * 128 + 4 * 16, Swizzle::k128Bytes, 3), 4u * 128 + 5 * 16);
}

TEST(Swizzle, PatternsAreEightRowsWide) {
  EXPECT_EQ(pattern_bytes(Swizzle::k128Bytes), 1024u);
  EXPECT_EQ(pattern_bytes(Swizzle::k64Bytes), 512u);
  EXPECT_EQ(pattern_bytes(Swizzle::k32Bytes), 256u);
}

}  // namespace
}  // namespace moe::simt
