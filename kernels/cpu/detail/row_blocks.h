#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace moe::cpu {

// Rows of an expert-major buffer that go to one expert: rows begin .. begin + rows.
struct RowGroup {
  std::int32_t expert;
  std::int64_t begin;
  std::int64_t rows;
};

// Rows that one call of a micro-kernel takes.
struct RowBlock {
  std::int32_t expert;
  std::int64_t begin;
  std::int64_t rows;
};

// Blocks of one expert that are multiplied together, panel by panel; others of the same expert read
// the weights once more.
struct RowChunk {
  std::int64_t first;
  std::int64_t blocks;
  std::int64_t rows;
};

// How groups of rows are cut for the micro-kernels.
struct RowBlocks {
  // Rows of a chunk: a piece of depth of all of them stays in the second-level cache.
  static constexpr std::int64_t kChunkRows = 252;

  std::vector<RowBlock> blocks{};
  std::vector<RowChunk> chunks{};       // by ascending expert, in the order of the rows
  std::vector<std::int64_t> by_size{};  // chunks, the big ones first

  // Room for groups of `rows` rows and `experts` experts in all, in blocks of at most `block_rows`.
  void reserve(std::int64_t rows, std::int64_t experts, std::int64_t block_rows);
  void list(std::span<const RowGroup> groups);

  std::int64_t rows = 0;  // of all groups

 private:
  std::int64_t block_rows_ = 1;
};

}  // namespace moe::cpu
