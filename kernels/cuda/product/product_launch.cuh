// Launches a kernel whose blocks fetch tile after tile: as many blocks as the device holds.
#pragma once
#include <algorithm>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/product/product_arguments.h"

namespace moe::cuda {

// Blocks of a kernel the device holds; asked once a process and kernel, and the shared memory it
// needs is allowed then.
template <auto kKernel, class Shape>
int resident_blocks() {
  static const int blocks = [] {
    int each = 0;
    check(
        cudaFuncSetAttribute(kKernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Shape::kBytes));
    check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, kKernel, Shape::kThreads,
                                                        Shape::kBytes));
    return each * device_traits().multiprocessors;
  }();
  return blocks;
}

template <auto kKernel, class Shape>
void launch_product(const GroupedProduct& product, cudaStream_t stream) {
  const ProductArguments arguments = product_arguments(product);
  const int tiles = most_tiles(product, Shape::kRows, Shape::kColumns);
  if (tiles == 0) return;
  const int blocks = std::min(tiles, resident_blocks<kKernel, Shape>());
  kKernel<<<static_cast<unsigned>(blocks), Shape::kThreads, Shape::kBytes, stream>>>(arguments);
  check_launch();
}

}  // namespace moe::cuda
