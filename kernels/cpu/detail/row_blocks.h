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
  std::int64_t place;   // where it begins in buffers in which blocks stand one after the other
  std::int64_t height;  // the rows it takes there; those beyond `rows` are zeros
};

// Blocks of one expert that are multiplied together, panel by panel; others of the same expert read
// the weights once more.
struct RowChunk {
  std::int64_t first;
  std::int64_t blocks;
  std::int64_t rows;  // their heights
};

// How groups of rows are cut for the micro-kernels.
struct RowBlocks {
  std::vector<RowBlock> blocks{};
  std::vector<RowChunk> chunks{};       // by ascending expert, in the order of the rows
  std::vector<std::int64_t> by_size{};  // chunks, the big ones first

  struct Limits {
    std::int64_t block_rows;  // the most rows of a block
    std::int64_t tall_rows;   // an expert that has no more is one block all the same
    std::int64_t chunk_rows;  // the most rows of a chunk
    bool level;               // the blocks of an expert are all of one height
  };
  // Room for groups of `rows` rows and `experts` experts in all.
  void reserve(std::int64_t rows, std::int64_t experts, const Limits& limits);
  void list(std::span<const RowGroup> groups);

  std::int64_t rows = 0;  // of all groups

  // What the heights of all blocks come to at most.
  static std::int64_t heights(std::int64_t rows, std::int64_t block_rows) {
    return rows + rows / block_rows;
  }

 private:
  Limits limits_{1, 1, 1, false};
};

}  // namespace moe::cpu
