#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/product_hopper.cuh"
#include "kernels/cuda/detail/product_hopper.h"

namespace moe::cuda {
namespace {

template <class T>
void launch(const hopper::Arguments& arguments, int blocks, cudaStream_t stream) {
  check(cudaFuncSetAttribute(hopper::product_kernel<T, true>,
                             cudaFuncAttributeMaxDynamicSharedMemorySize, hopper::kRingBytes));
  hopper::product_kernel<T, true>
      <<<blocks, hopper::kThreads, hopper::kRingBytes, stream>>>(arguments);
  check_launch();
}

}  // namespace

void product_mixed_with(const GroupedProduct& product, int blocks, cudaStream_t stream) {
  if (product.most_rows == 0 || product.columns == 0) return;
  const hopper::Arguments arguments = hopper_arguments(product);
  switch (product.dtype) {
    case DType::kBf16:
      return launch<__nv_bfloat16>(arguments, blocks, stream);
    case DType::kF16:
      return launch<__half>(arguments, blocks, stream);
    case DType::kTf32:
      return launch<Tf32>(arguments, blocks, stream);
    case DType::kE4m3:
      return launch<__nv_fp8_e4m3>(arguments, blocks, stream);
    case DType::kF32:
      break;  // hopper_arguments() refuses it
  }
}

void product_mixed(const GroupedProduct& product, cudaStream_t stream) {
  product_mixed_with(product, hopper_blocks(product), stream);
}

}  // namespace moe::cuda
