// The host's side of the sm_90a products.
#pragma once
#include <cuda_runtime.h>

#include "kernels/cuda/detail/product.h"

namespace moe::cuda {

namespace hopper {
struct Arguments;  // hopper_tiles.cuh
}

// Tensor maps and sizes. Throws std::invalid_argument for what the kernels cannot do.
hopper::Arguments hopper_arguments(const GroupedProduct& product);
// Blocks of a persistent launch: one a multiprocessor, no more than there can be tiles.
int hopper_blocks(const GroupedProduct& product);

// rows_multiplied() of kMixed.
std::int64_t rows_multiplied_mixed(std::int64_t rows);

// product_wgmma() and product_mixed() with a number of blocks of the caller's choice: tests make
// few blocks compute many tiles.
void product_wgmma_with(const GroupedProduct& product, int blocks, cudaStream_t stream);
void product_mixed_with(const GroupedProduct& product, int blocks, cudaStream_t stream);

}  // namespace moe::cuda
