#include "harness/simt/execute/tensor_copy_box.h"

#include <gtest/gtest.h>

namespace moe::simt {
namespace {

// A matrix of 10 columns and 6 rows of 4-byte elements, 64 bytes from row to row, at 0x1000.
TensorMap matrix(std::uint16_t columns, std::uint16_t rows) {
  TensorMap map;
  map.address = 0x1000;
  map.rank = 2;
  map.element = TensorElement::kU32;
  map.last[0] = 9;
  map.last[1] = 5;
  map.strides[0] = 64;
  map.box[0] = columns;
  map.box[1] = rows;
  map.element_strides[0] = map.element_strides[1] = 1;
  return map;
}

void expect_row(const BoxRow& row, std::uint32_t begin, std::uint32_t before, std::uint32_t inside,
                std::uint32_t after, std::uint64_t address) {
  EXPECT_EQ(row.begin, begin);
  EXPECT_EQ(row.before, before);
  EXPECT_EQ(row.inside, inside);
  EXPECT_EQ(row.after, after);
  EXPECT_EQ(row.address, inside > 0 ? address : 0);
}

TEST(TensorBox, LiesInsideTheTensor) {
  const std::int32_t at[] = {2, 1};
  const auto rows = box_rows(matrix(4, 3), at);
  ASSERT_EQ(rows.size(), 3u);
  expect_row(rows[0], 0, 0, 16, 0, 0x1000 + 64 + 8);
  expect_row(rows[1], 16, 0, 16, 0, 0x1000 + 128 + 8);
  expect_row(rows[2], 32, 0, 16, 0, 0x1000 + 192 + 8);
}

TEST(TensorBox, ReachesOverTheRightAndLowerEdge) {
  const std::int32_t at[] = {8, 5};
  const auto rows = box_rows(matrix(4, 2), at);
  ASSERT_EQ(rows.size(), 2u);
  expect_row(rows[0], 0, 0, 8, 8, 0x1000 + 5 * 64 + 32);  // columns 8 and 9
  EXPECT_EQ(rows[1].inside, 0u);                          // row 6 does not exist
  EXPECT_EQ(rows[1].before + rows[1].after, 16u);
}

TEST(TensorBox, ReachesOverTheLeftAndUpperEdge) {
  const std::int32_t at[] = {-3, -1};
  const auto rows = box_rows(matrix(4, 2), at);
  EXPECT_EQ(rows[0].inside, 0u);
  expect_row(rows[1], 16, 12, 4, 0, 0x1000);
}

TEST(TensorBox, FarOutsideHoldsNothing) {
  const std::int32_t at[] = {100, -100};
  for (const BoxRow& row : box_rows(matrix(4, 2), at)) EXPECT_EQ(row.inside, 0u);
}

TEST(TensorBox, TakesEveryOtherRowWithAnElementStride) {
  TensorMap map = matrix(4, 5);
  map.element_strides[1] = 2;
  const std::int32_t at[] = {0, 1};
  const auto rows = box_rows(map, at);
  ASSERT_EQ(rows.size(), 3u);  // ceil(5 / 2): rows 1, 3, 5
  EXPECT_EQ(rows[1].address, 0x1000u + 3 * 64);
  EXPECT_EQ(rows[2].address, 0x1000u + 5 * 64);
  EXPECT_EQ(rows[2].begin, 32u);
}

TEST(TensorBox, WalksThreeDimensionsInnermostFirst) {
  TensorMap map = matrix(4, 2);
  map.rank = 3;
  map.last[2] = 3;
  map.strides[1] = 1024;
  map.box[2] = 2;
  map.element_strides[2] = 1;
  const std::int32_t at[] = {0, 0, 1};
  const auto rows = box_rows(map, at);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].address, 0x1000u + 1024);
  EXPECT_EQ(rows[1].address, 0x1000u + 1024 + 64);
  EXPECT_EQ(rows[2].address, 0x1000u + 2048);
  EXPECT_EQ(rows[3].begin, 48u);
}

// The swizzles by the patterns drawn in the CUDA C++ Programming Guide ("Swizzle Modes"): the chunk
// that row r of a pattern has at its left.
TEST(TensorBox, SwizzlesChunksByTheirLine) {
  TensorMap map = matrix(32, 8);
  map.swizzle = TensorSwizzle::k128B;  // rows of 128 bytes: chunk c of row r goes to c xor r
  const std::uint32_t base = 4096;
  for (std::uint32_t row = 0; row < 8; ++row) {
    const auto pieces = box_pieces(map, base, row * 128, 128);
    ASSERT_EQ(pieces.size(), 8u);
    for (std::uint32_t chunk = 0; chunk < 8; ++chunk) {
      EXPECT_EQ(pieces[chunk].shared, base + row * 128 + (chunk ^ row) * 16);
      EXPECT_EQ(pieces[chunk].begin, row * 128 + chunk * 16);
    }
  }
}

TEST(TensorBox, Swizzles64And32ByteSpans) {
  TensorMap map = matrix(16, 8);
  map.swizzle = TensorSwizzle::k64B;  // rows of 64 bytes, two to a line: lines 0..3 xor chunks
  const std::uint32_t left64[] = {0, 0, 1, 1, 2, 2, 3, 3};
  for (std::uint32_t row = 0; row < 8; ++row) {
    EXPECT_EQ(box_pieces(map, 1024, row * 64, 16)[0].shared, 1024 + row * 64 + left64[row] * 16);
  }
  map = matrix(8, 8);
  map.swizzle = TensorSwizzle::k32B;  // rows of 32 bytes, four to a line: every other line swaps
  const std::uint32_t left32[] = {0, 0, 0, 0, 1, 1, 1, 1};
  for (std::uint32_t row = 0; row < 8; ++row) {
    EXPECT_EQ(box_pieces(map, 1024, row * 32, 16)[0].shared, 1024 + row * 32 + left32[row] * 16);
  }
}

TEST(TensorBox, CutsPiecesAtChunksOnly) {
  TensorMap map = matrix(32, 8);
  map.swizzle = TensorSwizzle::k128B;
  const auto pieces = box_pieces(map, 1024, 128 + 8, 24);  // the second half of chunk 0, chunk 1
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].bytes, 8u);
  EXPECT_EQ(pieces[0].shared, 1024u + 128 + 16 + 8);
  EXPECT_EQ(pieces[1].bytes, 16u);
  EXPECT_EQ(pieces[1].shared, 1024u + 128 + 0);
  map.swizzle = TensorSwizzle::kNone;
  EXPECT_EQ(box_pieces(map, 1024, 136, 24).size(), 1u);
}

TEST(TensorBox, FillsFloatsWithNanWhenAsked) {
  TensorMap map = matrix(4, 2);
  EXPECT_EQ(fill_pattern(map), 0u);
  map.fill = TensorFill::kNan;
  map.element = TensorElement::kBf16;
  EXPECT_EQ(fill_pattern(map) & 0x7f80, 0x7f80u);  // exponent of ones
  EXPECT_NE(fill_pattern(map) & 0x007f, 0u);       // and a mantissa
}

}  // namespace
}  // namespace moe::simt
