#include "kernels/cuda/product/product_hopper.cuh"

namespace moe::cuda {

void product_wgmma_with(const GroupedProduct& product, int blocks, cudaStream_t stream) {
  hopper::launch_for_dtype<false>(product, blocks, stream);
}

void product_wgmma(const GroupedProduct& product, cudaStream_t stream) {
  product_wgmma_with(product, hopper_blocks(product), stream);
}

}  // namespace moe::cuda
