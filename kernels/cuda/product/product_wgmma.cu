#include <stdexcept>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/product/product_hopper.cuh"
#include "kernels/cuda/product/product_hopper.h"

namespace moe::cuda {
namespace {

template <DType kType>
void launch(const GroupedProduct& product, int blocks, cudaStream_t stream) {
  constexpr auto kKernel = hopper::product_kernel<kType, false>;
  check(cudaFuncSetAttribute(kKernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             hopper::kRingBytes));
  kKernel<<<blocks, hopper::kThreads, hopper::kRingBytes, stream>>>(hopper_arguments(product));
  check_launch();
}

}  // namespace

void product_wgmma_with(const GroupedProduct& product, int blocks, cudaStream_t stream) {
  if (blocks == 0) return;  // no rows
  switch (product.dtype) {
    case DType::kBf16:
      return launch<DType::kBf16>(product, blocks, stream);
    case DType::kF16:
      return launch<DType::kF16>(product, blocks, stream);
    case DType::kTf32:
      return launch<DType::kTf32>(product, blocks, stream);
    case DType::kE4m3:
      return launch<DType::kE4m3>(product, blocks, stream);
    case DType::kF32:
      throw std::invalid_argument("tensor cores have no f32");
  }
}

void product_wgmma(const GroupedProduct& product, cudaStream_t stream) {
  product_wgmma_with(product, hopper_blocks(product), stream);
}

}  // namespace moe::cuda
