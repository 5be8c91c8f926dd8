// Which tile of which expert is a block's next: the groups' row counts live on the device, so each
// block finds out for itself.
#pragma once
#include <cstdint>

namespace moe::cuda {

inline constexpr int kMostExperts = 1024;

// In shared memory, one a block. Fill it once, then ask for any tile.
struct TileQueue {
  std::int32_t tiles_before[kMostExperts + 1];  // row tiles of the experts before e

  // All threads of the block, `threads` of them, at least 32. Ends with a barrier.
  __device__ void fill(const std::int32_t* count, int experts, int rows_a_tile) {
    // Each lane of the first warp takes a run of experts; the warp adds up the runs.
    if (threadIdx.x < 32) {
      const int lane = static_cast<int>(threadIdx.x);
      const int run = (experts + 31) / 32;
      const int first = min(lane * run, experts), last = min(first + run, experts);
      std::int32_t sum = 0;
      for (int e = first; e < last; ++e) sum += (count[e] + rows_a_tile - 1) / rows_a_tile;
      std::int32_t before = sum;
      for (int step = 1; step < 32; step *= 2) {
        const std::int32_t other = __shfl_up_sync(0xffffffffu, before, step);
        if (lane >= step) before += other;
      }
      before -= sum;
      for (int e = first; e < last; ++e) {
        tiles_before[e] = before;
        before += (count[e] + rows_a_tile - 1) / rows_a_tile;
      }
      if (lane == 31) tiles_before[experts] = before;
    }
    __syncthreads();
  }

  __device__ std::int32_t row_tiles(int experts) const { return tiles_before[experts]; }

  // The expert whose tile it is, tile < row_tiles: the last one with tiles_before[e] <= tile.
  __device__ int expert_of(std::int32_t tile, int experts) const {
    int low = 0, high = experts;
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      (tiles_before[middle] <= tile ? low : high) = middle;
    }
    return low;
  }
};

}  // namespace moe::cuda
