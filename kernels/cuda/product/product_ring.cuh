// A ring of stages in shared memory that cp.async fills ahead of the products, across the ends of
// tiles: a stage is 128 bytes of depth of a tile's rows of A, then of its rows of B.
#pragma once
#include <cstdint>

#include "kernels/cuda/detail/ptx.cuh"
#include "kernels/cuda/product/product_address.h"
#include "kernels/cuda/product/product_tiles.cuh"

namespace moe::cuda {

// kPairs: B's rows are read two by two (2 f and 2 f + 1 by neighbouring threads), see turned().
template <int kRowsOf, int kColumnsOf, int kThreadsOf, int kStagesOf, bool kPairsOf = false>
struct RingShape {
  static constexpr int kRows = kRowsOf, kColumns = kColumnsOf;
  static constexpr int kThreads = kThreadsOf, kStages = kStagesOf;
  static constexpr bool kPairs = kPairsOf;
  static constexpr int kRowBytes = 128;
  static constexpr int kBytesOfA = kRows * kRowBytes;
  static constexpr int kStageBytes = (kRows + kColumns) * kRowBytes;
  static constexpr int kBytes = kStages * kStageBytes;
};

// Where 16-byte piece `piece` of row `row` lies: turned by `key`, so that the eight rows that are
// read at the same time fall into different banks.
__device__ __forceinline__ int turned(int row, int piece, int key) {
  return row * 128 + ((piece ^ (key % 8)) * 16);
}

template <class Shape>
class Ring {
 public:
  __device__ Ring(const Operands& in, const Tiles<Shape::kRows, Shape::kColumns>& tiles,
                  unsigned char* memory)
      : in_(in), tiles_(tiles), size_(tiles.size()), memory_(memory), tile_(blockIdx.x) {
    if (tile_ < size_) enter_tile();
    for (int stage = 0; stage < Shape::kStages - 1; ++stage) copy_step();
  }

  // Waits for the oldest stage that was not taken yet, lets the next copies overwrite the one taken
  // before, and gives its rows of A; those of B stand kBytesOfA behind.
  __device__ const unsigned char* take() {
    copy_async_wait<Shape::kStages - 2>();
    __syncthreads();
    copy_step();
    const unsigned char* stage = memory_ + taken_ * Shape::kStageBytes;
    taken_ = taken_ + 1 == Shape::kStages ? 0 : taken_ + 1;
    return stage;
  }

 private:
  static constexpr int kRowStep = Shape::kThreads / 8;  // eight threads copy the pieces of a row
  static constexpr int kCopiesOfA = Shape::kRows / kRowStep;
  static constexpr int kCopiesOfB = Shape::kColumns / kRowStep;
  static_assert(kRowStep % (Shape::kPairs ? 16 : 8) == 0, "all rows of a thread have one key");
  static_assert(Shape::kRows % kRowStep == 0 && Shape::kColumns % kRowStep == 0);

  __device__ static int own_row() { return static_cast<int>(threadIdx.x) / 8; }
  __device__ static int own_piece() { return static_cast<int>(threadIdx.x) % 8; }

  __device__ void enter_tile() {
    const Tile tile = tiles_.at(tile_);
#pragma unroll
    for (int i = 0; i < kCopiesOfA; ++i) {
      const std::int32_t slot = tile.slot + own_row() + i * kRowStep;
      row_[i] = slot >= tile.end ? -1 : in_.a_row == nullptr ? slot : in_.a_row[slot];
    }
    const std::int32_t column = tile.column + own_row();
    columns_left_ = in_.columns - column;
    b_ = in_.b + byte_of_row(row_of_b(tile.expert, in_.columns, column), in_.b_stride, 0);
    depth_byte_ = own_piece() * 16;
  }

  // One stage, or an empty group when there is nothing left: take() counts groups.
  __device__ void copy_step() {
    if (tile_ < size_) {
      const std::int64_t left = in_.depth - depth_byte_;
      const int bytes = left >= 16 ? 16 : left > 0 ? static_cast<int>(left) : 0;
      unsigned char* stage = memory_ + filled_ * Shape::kStageBytes;
      copy_a(stage, bytes);
      copy_b(stage + Shape::kBytesOfA, bytes);
      depth_byte_ += Shape::kRowBytes;
      // All threads of a block agree: only whole stages are counted.
      if (depth_byte_ - own_piece() * 16 >= in_.depth) {
        tile_ += static_cast<std::int32_t>(gridDim.x);
        if (tile_ < size_) enter_tile();
      }
    }
    copy_async_commit();
    filled_ = filled_ + 1 == Shape::kStages ? 0 : filled_ + 1;
  }

  __device__ void copy_a(unsigned char* stage, int bytes) const {
    unsigned char* to = stage + turned(own_row(), own_piece(), own_row());
#pragma unroll
    for (int i = 0; i < kCopiesOfA; ++i) {
      const bool there = row_[i] >= 0;
      copy_async_16(to + i * kRowStep * Shape::kRowBytes,
                    in_.a + byte_of_row(there ? row_[i] : 0, in_.a_stride, depth_byte_),
                    there ? bytes : 0);
    }
  }

  __device__ void copy_b(unsigned char* stage, int bytes) const {
    const int key = Shape::kPairs ? own_row() / 2 : own_row();
    unsigned char* to = stage + turned(own_row(), own_piece(), key);
#pragma unroll
    for (int i = 0; i < kCopiesOfB; ++i) {
      copy_async_16(to + i * kRowStep * Shape::kRowBytes,
                    b_ + byte_of_row(i * kRowStep, in_.b_stride, depth_byte_),
                    i * kRowStep < columns_left_ ? bytes : 0);
    }
  }

  const Operands& in_;
  const Tiles<Shape::kRows, Shape::kColumns>& tiles_;
  const std::int32_t size_;
  unsigned char* const memory_;
  // The next copies: which tile (an index that passes 2^31 is not launched), from which byte.
  std::int32_t tile_;
  std::int64_t depth_byte_ = 0;
  std::int32_t row_[kCopiesOfA] = {};
  const std::uint8_t* b_ = nullptr;
  std::int32_t columns_left_ = 0;
  int filled_ = 0, taken_ = 0;  // stages
};

}  // namespace moe::cuda
