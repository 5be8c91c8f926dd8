// The producer of the sm_90a products: fills the ring. B always comes by tensor copies; A too where
// its rows are contiguous, otherwise the whole warpgroup gathers them by cp.async (a tensor copy
// cannot gather).
#pragma once
#include "kernels/cuda/detail/hopper_tiles.cuh"

namespace moe::cuda::hopper {

// One thread. What boxes hold beyond the matrix is zeros; rows beyond the group's end are
// multiplied and not stored.
template <class T, bool kMixed>
__device__ __forceinline__ void fetch_contiguous(const Arguments& arguments, Ring& ring) {
  RingPosition at;
  const int tiles = ring.queue.row_tiles(arguments.product.experts) * arguments.column_tiles;
  for (int t = static_cast<int>(blockIdx.x); t < tiles; t += static_cast<int>(gridDim.x)) {
    const Tile tile = locate_tile(arguments, ring.queue, t);
    const int granules = granules_of<kMixed>(tile);
    const int boxes = granules != 0 ? granules : (tile.rows + 63) / 64;
    const int box_rows = granules != 0 ? kGranuleRows : 64;
    const CUtensorMap* map = kMixed && granules != 0 ? &arguments.a_granule : &arguments.a;
    for (int step = 0; step < arguments.steps; ++step, at.advance()) {
      const int k = step * (kRowBytes / static_cast<int>(sizeof(T)));
      std::uint64_t* full = &ring.full[at.stage];
      mbarrier_wait(&ring.empty[at.stage], at.parity ^ 1);
      mbarrier_arrive_expect(full, kTileBytes + boxes * box_rows * kRowBytes);
      tensor_load(ring.b[at.stage], &arguments.b, k, tile.first_column, tile.expert, full);
      for (int i = 0; i < boxes; ++i) {
        tensor_load(ring.a[at.stage] + i * box_rows * kRowBytes, map, k,
                    tile.first_slot + i * box_rows, full);
      }
    }
  }
}

}  // namespace moe::cuda::hopper
