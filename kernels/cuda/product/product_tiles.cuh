// The order in which the tiles of a grouped product are computed.
#pragma once
#include <cstdint>

#include "kernels/cuda/product/product_arguments.h"
#include "kernels/cuda/product/tile_queue.cuh"

namespace moe::cuda {

// Rows [slot, end) of C at most kRows of which count, and the columns from `column`.
struct Tile {
  std::int32_t expert;
  std::int32_t slot;
  std::int32_t end;  // of the group: it may lie beyond the tile
  std::int32_t column;
};

// Up to kTogether row tiles are done for one column tile before the next column tile: the blocks
// that run at the same time share a tile of weights, and the rows of A they share stay in L2
// (16 x 128 rows of 4096 bf16 are 16 MiB; the number is ours, not measured).
template <int kRows, int kColumns>
class Tiles {
 public:
  static constexpr int kTogether = 16;

  __device__ Tiles(const Operands& in, const TileQueue& queue)
      : in_(in),
        queue_(queue),
        row_tiles_(queue.row_tiles(in.experts)),
        column_tiles_((in.columns + kColumns - 1) / kColumns) {}

  __device__ std::int32_t size() const { return row_tiles_ * column_tiles_; }

  __device__ Tile at(std::int32_t index) const {
    const std::int32_t first = index / (kTogether * column_tiles_) * kTogether;
    const std::int32_t rest = index - first * column_tiles_;
    const std::int32_t together = min(kTogether, row_tiles_ - first);
    const std::int32_t column_tile = rest / together;
    const std::int32_t row_tile = first + rest - column_tile * together;
    const int expert = queue_.expert_of(row_tile, in_.experts);
    const std::int32_t begin = in_.begin[expert];
    return {.expert = expert,
            .slot = begin + (row_tile - queue_.tiles_before[expert]) * kRows,
            .end = begin + in_.count[expert],
            .column = column_tile * kColumns};
  }

 private:
  const Operands& in_;
  const TileQueue& queue_;
  std::int32_t row_tiles_, column_tiles_;
};

}  // namespace moe::cuda
