// What the producer and the consumers of the sm_90a products share: the tile a block works on, and
// the ring of stages in shared memory that carries it.
#pragma once
#include <cuda.h>

#include <cstdint>

#include "kernels/cuda/detail/product_tiles.cuh"
#include "kernels/cuda/detail/ptx_hopper.cuh"

namespace moe::cuda::hopper {

inline constexpr int kTileRows = 128;     // two warpgroups, 64 rows each
inline constexpr int kTileColumns = 128;  // 64 accumulators a thread
inline constexpr int kRowBytes = 128;     // of K in a stage: a row of the swizzle
inline constexpr int kGroupRows = 64;     // that one warpgroup multiplies
inline constexpr int kGroupBytes = kGroupRows * kRowBytes;
inline constexpr int kTileBytes = 128 * kRowBytes;
inline constexpr int kStages = 6;  // as many as shared memory holds: 192 KiB in flight hide HBM
inline constexpr int kConsumerWarps = 8;
inline constexpr int kThreads = 384;  // the producer's warpgroup first, then the consumers'

// In kMixed an expert's last tile is multiplied by mma.sync where it has no more rows than this.
// Per 128 bytes of K a wide tile moves 32 KiB from the L2, one of m granules of 16 rows 16 + 2 m,
// and at the rate of mma.sync on sm_90 (about 5/8 of wgmma) m granules take m / 5 of a wide tile's
// time: up to four granules it wins both ways. Ours to tune; no GPU has judged it yet.
inline constexpr int kNarrowRows = 64;
inline constexpr int kGranuleRows = 16;
inline constexpr int kMostGranules = kNarrowRows / kGranuleRows;

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
