// Errors of the CUDA runtime as exceptions.
#pragma once
#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

namespace moe::simt::cuda_tests {

inline void cuda_check(cudaError_t error) {
  if (error != cudaSuccess) {
    throw std::runtime_error(
        std::string(cudaGetErrorName(error)).append(": ").append(cudaGetErrorString(error)));
  }
}

// After a launch: what the launch itself said, then what the kernel did.
inline void finish_launch() {
  cuda_check(cudaGetLastError());
  cuda_check(cudaDeviceSynchronize());
}

// Kernel<<<grid, block, bytes>>> for more dynamic shared memory than a kernel gets unasked.
template <class Kernel>
void allow_shared(Kernel* kernel, std::size_t bytes) {
  cuda_check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                  static_cast<int>(bytes)));
}

}  // namespace moe::simt::cuda_tests
