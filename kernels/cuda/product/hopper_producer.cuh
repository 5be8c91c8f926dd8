// The producer of the sm_90a products: fills the ring. B always comes by tensor copies; A too where
// its rows are contiguous, otherwise the whole warpgroup gathers them by cp.async (a tensor copy
// cannot gather).
#pragma once
#include "kernels/cuda/product/hopper_tiles.cuh"
#include "kernels/cuda/product/product_address.h"

namespace moe::cuda::hopper {

// One thread. What boxes hold beyond the matrix is zeros; rows beyond the group's end are
// multiplied and not stored.
template <DType kType, bool kMixed>
__device__ __forceinline__ void fetch_contiguous(const Arguments& arguments, Ring& ring) {
  const TilesOfBlock tiles(arguments.product.in, ring.queue);
  RingPosition at;
  for (int t = static_cast<int>(blockIdx.x); t < tiles.size(); t += static_cast<int>(gridDim.x)) {
    const Tile tile = tiles.at(t);
    const int granules = granules_of<kMixed>(tile);
    const int boxes = granules != 0 ? granules : (rows_of(tile) + 63) / 64;
    const int box_rows = granules != 0 ? kGranuleRows : 64;
    const CUtensorMap* map = kMixed && granules != 0 ? &arguments.a_granule : &arguments.a;
    for (int step = 0; step < arguments.steps; ++step, at.advance()) {
      const int k = step * (kRowBytes / kElementBytes<kType>);
      std::uint64_t* full = &ring.full[at.stage];
      mbarrier_wait(&ring.empty[at.stage], at.parity ^ 1);
      mbarrier_arrive_expect(full, kTileBytes + boxes * box_rows * kRowBytes);
      tensor_load(ring.b[at.stage], &arguments.b, k, tile.column, tile.expert, full);
      for (int i = 0; i < boxes; ++i) {
        tensor_load(ring.a[at.stage] + i * box_rows * kRowBytes, map, k, tile.slot + i * box_rows,
                    full);
      }
    }
  }
}

// All 128 threads of the warpgroup: eight to a row, 16 rows at a time. A stage is full when B is
// there and every thread's copies are. The consumers fence: cp.async is no copy of the async proxy.
template <DType kType, bool kMixed>
__device__ __forceinline__ void fetch_gathered(const Arguments& arguments, Ring& ring) {
  const Operands& in = arguments.product.in;
  const int thread = static_cast<int>(threadIdx.x), line = thread / 8, piece = thread % 8;
  const int to = line * kRowBytes + (piece ^ line % 8) * 16;  // the 128-byte swizzle
  const auto* a = in.a + piece * 16;
  const TilesOfBlock tiles(arguments.product.in, ring.queue);
  RingPosition at;
  for (int t = static_cast<int>(blockIdx.x); t < tiles.size(); t += static_cast<int>(gridDim.x)) {
    const Tile tile = tiles.at(t);
    const int granules = granules_of<kMixed>(tile);
    const int passes = granules != 0 ? granules : (rows_of(tile) + 63) / 64 * 4;
    const int rows = rows_of(tile);
    std::int32_t row[8];  // of A; -1 becomes zeros
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int r = i * 16 + line;
      row[i] = r < rows ? in.a_row[tile.slot + r] : -1;
    }
    std::int64_t left = in.depth - piece * 16;  // bytes of the row from this piece on
    for (int step = 0; step < arguments.steps; ++step, at.advance(), left -= kRowBytes) {
      std::uint64_t* full = &ring.full[at.stage];
      mbarrier_wait(&ring.empty[at.stage], at.parity ^ 1);
      if (thread == 0) {
        mbarrier_arrive_expect(full, kTileBytes);
        tensor_load(ring.b[at.stage], &arguments.b, step * (kRowBytes / kElementBytes<kType>),
                    tile.column, tile.expert, full);
      }
      const int bytes = static_cast<int>(max(std::int64_t{0}, min(std::int64_t{16}, left)));
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        if (i >= passes) break;
        const std::int64_t from =
            byte_of_row(max(row[i], 0), in.a_stride, std::int64_t{step} * kRowBytes);
        copy_async_16(ring.a[at.stage] + i * 16 * kRowBytes + to, a + from, row[i] < 0 ? 0 : bytes);
      }
      mbarrier_arrive_after_copies(full);
    }
  }
}

}  // namespace moe::cuda::hopper
