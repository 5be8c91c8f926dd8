// What the producer and the consumers of the sm_90a products share: the tile a block works on, and
// the ring of stages in shared memory that carries it.
#pragma once
#include <cuda.h>

#include <cstdint>

#include "kernels/cuda/detail/ptx_hopper.cuh"
#include "kernels/cuda/product/product_hopper.h"
#include "kernels/cuda/product/product_tiles.cuh"

namespace moe::cuda::hopper {

inline constexpr int kTileColumns = 128;  // 64 accumulators a thread
inline constexpr int kRowBytes = 128;     // of K in a stage: a row of the swizzle
inline constexpr int kGroupBytes = kGroupRows * kRowBytes;
inline constexpr int kTileBytes = 128 * kRowBytes;
inline constexpr int kStages = 6;  // as many as shared memory holds: 192 KiB in flight hide HBM
inline constexpr int kConsumerWarps = 8;
inline constexpr int kThreads = 384;  // the producer's warpgroup first, then the consumers'

template <DType kType>
inline constexpr int kElementBytes = kType == DType::kE4m3   ? 1
                                     : kType == DType::kTf32 ? 4
                                                             : 2;

struct Arguments {
  CUtensorMap a;          // boxes of 64 rows; unused with a_row
  CUtensorMap a_granule;  // boxes of 16 rows: kMixed only
  CUtensorMap b;          // [experts, columns, depth], boxes of 128 columns
  ProductArguments product;
  int steps = 0;  // stages a tile
};
using TilesOfBlock = Tiles<kTileRows, kTileColumns>;

struct __align__(1024) Ring {
  unsigned char a[kStages][kTileBytes];
  unsigned char b[kStages][kTileBytes];
  std::uint64_t full[kStages], empty[kStages];
  TileQueue queue;
};
// The ring must begin at a multiple of 1024 bytes; dynamic shared memory need not.
inline constexpr int kRingBytes = sizeof(Ring) + 1024;

// Where a thread stands in the ring. `parity` is that of the phase in which the stage becomes full.
struct RingPosition {
  int stage = 0;
  int parity = 0;
  __device__ __forceinline__ void advance() {
    if (++stage == kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

__device__ __forceinline__ int rows_of(const Tile& tile) {
  return min(kTileRows, tile.end - tile.slot);
}

// How many times 16 rows a tile is multiplied with by mma.sync; 0: it is multiplied by wgmma.
template <bool kMixed>
__device__ __forceinline__ int granules_of(const Tile& tile) {
  const int rows = rows_of(tile);
  return kMixed && rows <= kNarrowRows ? (rows + kGranuleRows - 1) / kGranuleRows : 0;
}

__device__ __forceinline__ Ring& ring_of_block() {
  extern __shared__ unsigned char hopper_bytes[];
  const std::uint32_t past = shared_address(hopper_bytes) % 1024;
  return *reinterpret_cast<Ring*>(hopper_bytes + (1024 - past) % 1024);
}

}  // namespace moe::cuda::hopper
