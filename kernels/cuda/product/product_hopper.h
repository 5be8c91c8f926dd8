// The host's side of the sm_90a products.
#pragma once
#include <cuda_runtime.h>

#include "kernels/cuda/product/product.h"

namespace moe::cuda {

namespace hopper {

struct Arguments;  // hopper_tiles.cuh

inline constexpr int kTileRows = 128;  // two warpgroups, 64 rows each
inline constexpr int kGroupRows = 64;  // one without rows lets its stages pass

// In kMixed an expert's last tile is multiplied by mma.sync where it has no more rows than this.
// Per 128 bytes of K a wide tile moves 32 KiB from the L2, one of m granules of 16 rows 16 + 2 m,
// and at the rate of mma.sync on sm_90 (about 5/8 of wgmma) m granules take m / 5 of a wide tile's
// time: up to four granules it wins both ways. Ours to tune; no GPU has judged it yet.
inline constexpr int kNarrowRows = 64;
inline constexpr int kGranuleRows = 16;
inline constexpr int kMostGranules = kNarrowRows / kGranuleRows;

}  // namespace hopper

// Tensor maps and sizes. Throws std::invalid_argument for what the kernels cannot do.
hopper::Arguments hopper_arguments(const GroupedProduct& product);
// Blocks of a persistent launch: one a multiprocessor, no more than there can be tiles.
int hopper_blocks(const GroupedProduct& product);

// product_wgmma() and product_mixed() with a number of blocks of the caller's choice: tests make
// few blocks compute many tiles.
void product_wgmma_with(const GroupedProduct& product, int blocks, cudaStream_t stream);
void product_mixed_with(const GroupedProduct& product, int blocks, cudaStream_t stream);

}  // namespace moe::cuda
