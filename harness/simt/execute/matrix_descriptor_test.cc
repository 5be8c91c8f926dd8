// Descriptor fields, refusals, and chunk addresses worked out by hand.
#include "harness/simt/execute/matrix_descriptor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace moe::simt {
namespace {

using testing::HasSubstr;
using testing::Optional;

constexpr std::uint64_t kLayout128 = 1ull << 62, kLayout64 = 2ull << 62, kLayout32 = 3ull << 62;

std::uint64_t describe(std::uint64_t start, std::uint64_t leading, std::uint64_t stride,
                       std::uint64_t layout, std::uint64_t base_offset = 0) {
  return start >> 4 | leading >> 4 << 16 | stride >> 4 << 32 | base_offset << 49 | layout;
}

TEST(MatrixDescriptor, HasItsFieldsWhereTheIsaPutsThem) {
  // Start 0x5430, leading 0x800, stride 0x400, base offset 5, 64-byte swizzle.
  const MatrixDescriptor m = decode_descriptor(0x800a'0040'0080'0543ull);
  EXPECT_EQ(m.start, 0x5430u);
  EXPECT_EQ(m.leading, 0x800u);
  EXPECT_EQ(m.stride, 0x400u);
  EXPECT_EQ(m.base_offset, 5u);
  EXPECT_EQ(m.swizzle, Swizzle::k64Bytes);
}

TEST(MatrixDescriptor, LayoutCodesCountDownFrom128To32Bytes) {
  EXPECT_EQ(decode_descriptor(0).swizzle, Swizzle::kNone);
  EXPECT_EQ(decode_descriptor(kLayout128).swizzle, Swizzle::k128Bytes);
  EXPECT_EQ(decode_descriptor(kLayout64).swizzle, Swizzle::k64Bytes);
  EXPECT_EQ(decode_descriptor(kLayout32).swizzle, Swizzle::k32Bytes);
}

TEST(MatrixDescriptor, WithAReservedBitIsRefused) {
  for (const int bit : {14, 15, 30, 31, 46, 47, 48, 52, 61}) {
    EXPECT_THAT(problem_of(1ull << bit), Optional(HasSubstr("reserved"))) << bit;
  }
  for (const int bit : {0, 13, 16, 29, 32, 45}) EXPECT_EQ(problem_of(1ull << bit), std::nullopt);
}

TEST(MatrixDescriptor, MustStartInThePatternsFirstRow) {
  EXPECT_EQ(problem_of(describe(2048, 0, 1024, kLayout128)), std::nullopt);
  EXPECT_EQ(problem_of(describe(2048 + 96, 0, 1024, kLayout128)), std::nullopt);  // further along K
  EXPECT_THAT(problem_of(describe(2048 + 128, 0, 1024, kLayout128)),
              Optional(HasSubstr("multiples of 1024")));
  EXPECT_EQ(problem_of(describe(2048 + 512 + 32, 0, 512, kLayout64)), std::nullopt);
  EXPECT_THAT(problem_of(describe(2048 + 64, 0, 512, kLayout64)),
              Optional(HasSubstr("multiples of 512")));
  EXPECT_EQ(problem_of(describe(2048 + 256, 0, 256, kLayout32)), std::nullopt);
  EXPECT_THAT(problem_of(describe(2048 + 32, 0, 256, kLayout32)),
              Optional(HasSubstr("multiples of 256")));
}

TEST(MatrixDescriptor, ABaseOffsetSaysWhereThePatternStarts) {
  EXPECT_EQ(problem_of(describe(2048 + 3 * 128, 0, 1024, kLayout128, 3)), std::nullopt);
  EXPECT_THAT(problem_of(describe(2048, 0, 1024, kLayout128, 3)), Optional(HasSubstr("first row")));
  EXPECT_THAT(problem_of(describe(2048, 0, 1024, 0, 3)), Optional(HasSubstr("without swizzling")));
}

// ---- where chunks are, worked out by hand
// --------------------------------------------------------

TEST(MatrixDescriptor, KMajorWithoutSwizzleHasCoreMatricesOf8RowsOf16Bytes) {
  const MatrixDescriptor m = decode_descriptor(describe(4096, 128, 256, 0));
  EXPECT_EQ(k_major_chunk(m, 0, 0), 4096u);
  EXPECT_EQ(k_major_chunk(m, 7, 0), 4096u + 112);
  EXPECT_EQ(k_major_chunk(m, 0, 1), 4096u + 128);  // leading: the next 16 bytes of K
  EXPECT_EQ(k_major_chunk(m, 8, 0), 4096u + 256);  // stride: the next 8 rows
  EXPECT_EQ(k_major_chunk(m, 63, 1), 4096u + 7 * 256 + 128 + 112);
}

TEST(MatrixDescriptor, KMajor128ByteSwizzleXorsTheChunkWithTheRow) {
  const MatrixDescriptor m = decode_descriptor(describe(4096, 16, 1024, kLayout128));
  EXPECT_EQ(k_major_chunk(m, 0, 1), 4096u + 16);
  EXPECT_EQ(k_major_chunk(m, 1, 0), 4096u + 128 + 16);
  EXPECT_EQ(k_major_chunk(m, 5, 1), 4096u + 5 * 128 + 4 * 16);
  EXPECT_EQ(k_major_chunk(m, 8 + 6, 0), 4096u + 1024 + 6 * 128 + 6 * 16);
  // The second k16 of a row: start 32 bytes further, chunks 2 and 3.
  const MatrixDescriptor next = decode_descriptor(describe(4096 + 32, 16, 1024, kLayout128));
  EXPECT_EQ(k_major_chunk(next, 3, 0), 4096u + 3 * 128 + 1 * 16);
  EXPECT_EQ(k_major_chunk(next, 3, 1), 4096u + 3 * 128 + 0 * 16);
}

TEST(MatrixDescriptor, KMajor64ByteSwizzleXorsWithEverySecondRow) {
  const MatrixDescriptor m = decode_descriptor(describe(4096, 16, 512, kLayout64));
  EXPECT_EQ(k_major_chunk(m, 1, 1), 4096u + 64 + 16);  // rows 0 and 1 share the first line
  EXPECT_EQ(k_major_chunk(m, 2, 0), 4096u + 128 + 16);
  EXPECT_EQ(k_major_chunk(m, 7, 0), 4096u + 3 * 128 + 64 + 3 * 16);
  EXPECT_EQ(k_major_chunk(m, 8, 0), 4096u + 512);
}

TEST(MatrixDescriptor, KMajor32ByteSwizzleSwapsInRows4To7) {
  const MatrixDescriptor m = decode_descriptor(describe(4096, 16, 256, kLayout32));
  EXPECT_EQ(k_major_chunk(m, 3, 1), 4096u + 96 + 16);
  EXPECT_EQ(k_major_chunk(m, 4, 0), 4096u + 128 + 16);
  EXPECT_EQ(k_major_chunk(m, 7, 1), 4096u + 224);
  EXPECT_EQ(k_major_chunk(m, 8, 0), 4096u + 256);
}

TEST(MatrixDescriptor, MnMajorWithoutSwizzleStridesAlongMnAndLeadsAlongK) {
  const MatrixDescriptor m = decode_descriptor(describe(4096, 1024, 128, 0));
  EXPECT_EQ(mn_major_chunk(m, 0, 7), 4096u + 112);
  EXPECT_EQ(mn_major_chunk(m, 1, 0), 4096u + 128);
  EXPECT_EQ(mn_major_chunk(m, 7, 0), 4096u + 7 * 128);
  EXPECT_EQ(mn_major_chunk(m, 0, 8), 4096u + 1024);
}

TEST(MatrixDescriptor, MnMajorSwizzledLeadsFromPatternToPatternAlongMn) {
  const MatrixDescriptor m = decode_descriptor(describe(4096, 8192, 1024, kLayout128));
  EXPECT_EQ(mn_major_chunk(m, 7, 0), 4096u + 7 * 16);
  EXPECT_EQ(mn_major_chunk(m, 0, 1), 4096u + 128 + 16);
  EXPECT_EQ(mn_major_chunk(m, 6, 3), 4096u + 3 * 128 + 5 * 16);
  EXPECT_EQ(mn_major_chunk(m, 8, 0), 4096u + 8192);  // the next 64 elements of 16 bits
  EXPECT_EQ(mn_major_chunk(m, 0, 8), 4096u + 1024);  // the next 8 of K
  const MatrixDescriptor narrow = decode_descriptor(describe(4096, 8192, 512, kLayout64));
  EXPECT_EQ(mn_major_chunk(narrow, 4, 0), 4096u + 8192);
  EXPECT_EQ(mn_major_chunk(narrow, 3, 2), 4096u + 128 + 2 * 16);
}

TEST(MatrixDescriptor, ChunksOfADenseTileDoNotOverlap) {
  for (const std::uint64_t layout : {std::uint64_t{0}, kLayout32, kLayout64, kLayout128}) {
    const std::uint64_t width = layout == 0           ? 16
                                : layout == kLayout32 ? 32
                                : layout == kLayout64 ? 64
                                                      : 128;
    const MatrixDescriptor k =
        decode_descriptor(describe(8192, 128, layout == 0 ? 256 : 8 * width, layout));
    std::set<std::uint32_t> seen;
    for (int row = 0; row < 64; ++row) {
      for (int chunk = 0; chunk < 2; ++chunk) {
        EXPECT_TRUE(seen.insert(k_major_chunk(k, row, chunk)).second) << layout << ' ' << row;
      }
    }
    const MatrixDescriptor mn = decode_descriptor(
        layout == 0 ? describe(8192, 1024, 128, 0) : describe(8192, 16 * width, 8 * width, layout));
    seen.clear();
    for (int chunk = 0; chunk < 8; ++chunk) {
      for (int depth = 0; depth < 16; ++depth) {
        EXPECT_TRUE(seen.insert(mn_major_chunk(mn, chunk, depth)).second) << layout << ' ' << chunk;
      }
    }
    EXPECT_EQ(*seen.begin(), 8192u);
    EXPECT_EQ(*seen.rbegin(), 8192u + 64 * 32 - 16);  // no gaps: 64 x 16 of 16 bits
  }
}

}  // namespace
}  // namespace moe::simt
