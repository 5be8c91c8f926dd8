#include "kernels/cuda/product/product_hopper.cuh"

namespace moe::cuda {

void product_mixed_with(const GroupedProduct& product, int blocks, cudaStream_t stream) {
  hopper::launch_for_dtype<true>(product, blocks, stream);
}

void product_mixed(const GroupedProduct& product, cudaStream_t stream) {
  product_mixed_with(product, hopper_blocks(product), stream);
}

}  // namespace moe::cuda
