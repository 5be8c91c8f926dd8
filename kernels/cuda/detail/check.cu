#include <new>

#include "kernels/cuda/detail/check.h"

namespace moe::cuda {

void check(cudaError_t error, std::source_location where) {
  if (error == cudaSuccess) return;
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // it is not sticky: forget it, the next cell may be smaller
    throw std::bad_alloc();
  }
  throw CudaError(error, std::string(cudaGetErrorName(error))
                             .append(": ")
                             .append(cudaGetErrorString(error))
                             .append(" (")
                             .append(where.file_name())
                             .append(":")
                             .append(std::to_string(where.line()))
                             .append(")"));
}

}  // namespace moe::cuda
