#include "kernels/cpu/detail/row_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moe::cpu {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::Le;

constexpr std::int64_t kChunkRows = 252;

RowBlocks listed(std::vector<RowGroup> groups, std::int64_t block_rows, bool level = false,
                 std::int64_t tall_rows = 0) {
  RowBlocks blocks;
  blocks.reserve(10'000, std::ssize(groups), {block_rows, tall_rows, kChunkRows, level});
  blocks.list(groups);
  return blocks;
}

TEST(RowBlocks, CutsEvenly) {
  const RowBlocks b = listed({{3, 100, 15}}, 14);
  ASSERT_EQ(b.blocks.size(), 2U);
  EXPECT_EQ(b.blocks[0].rows + b.blocks[1].rows, 15);
  EXPECT_THAT(b.blocks, testing::Each(Field(&RowBlock::rows, Le(8))));
  EXPECT_EQ(b.blocks[0].begin, 100);
  EXPECT_EQ(b.blocks[1].begin, 100 + b.blocks[0].rows);
  EXPECT_EQ(b.chunks.size(), 1U);
}

TEST(RowBlocks, AnExpertOfNotTooManyRowsIsOneBlock) {
  const RowBlocks b = listed({{0, 0, 28}, {1, 28, 29}, {2, 57, 0}, {3, 57, 1}}, 14, false, 28);
  EXPECT_THAT(b.blocks, ElementsAre(Field(&RowBlock::rows, 28), Field(&RowBlock::rows, Le(10)),
                                    Field(&RowBlock::rows, Le(10)), Field(&RowBlock::rows, Le(10)),
                                    Field(&RowBlock::rows, 1)));
}

TEST(RowBlocks, LevelOnesAreAllOfOneHeight) {
  for (std::int64_t rows = 1; rows < 700; ++rows) {
    const RowBlocks b = listed({{0, 5, rows}, {1, 5 + rows, 3}}, 32, true);
    std::int64_t place = 0;
    std::int64_t begin = 5;
    for (const RowBlock& block : b.blocks) {
      EXPECT_EQ(block.height, block.expert == 0 ? b.blocks[0].height : 3);
      EXPECT_LE(block.height, 32);
      EXPECT_EQ(block.place, place);
      EXPECT_EQ(block.begin, begin);
      EXPECT_GT(block.rows, 0);
      EXPECT_LE(block.rows, block.height);
      place += block.height;
      begin += block.rows;
    }
    EXPECT_EQ(begin, 5 + rows + 3);
    EXPECT_LE(place, RowBlocks::heights(rows + 3, 32)) << rows;
  }
}

TEST(RowBlocks, LeavesOutExpertsWithoutRows) {
  const RowBlocks b = listed({{0, 0, 0}, {1, 0, 2}, {2, 2, 0}}, 14);
  EXPECT_THAT(b.blocks, ElementsAre(Field(&RowBlock::expert, 1)));
}

TEST(RowBlocks, SplitsAnExpertOfManyRowsIntoChunksThatFitTheCache) {
  for (const std::int64_t block_rows : {4, 6, 14}) {
    const RowBlocks b = listed({{0, 0, 1000}}, block_rows);
    std::int64_t rows = 0;
    std::int64_t blocks = 0;
    for (const RowChunk& c : b.chunks) {
      EXPECT_LE(c.rows, kChunkRows);
      EXPECT_EQ(c.first, blocks);
      rows += c.rows;
      blocks += c.blocks;
    }
    EXPECT_EQ(rows, 1000);
    EXPECT_EQ(blocks, std::ssize(b.blocks));
  }
}

TEST(RowBlocks, BigChunksComeFirst) {
  const RowBlocks b = listed({{0, 0, 3}, {1, 3, 9}, {2, 12, 9}, {3, 21, 20}}, 14);
  EXPECT_THAT(b.by_size, ElementsAre(3, 1, 2, 0));
  EXPECT_EQ(b.rows, 41);
}

}  // namespace
}  // namespace moe::cpu
