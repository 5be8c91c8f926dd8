// Every CUDA call is checked, and every launch.
#pragma once
#include <cuda_runtime.h>

#include <source_location>
#include <stdexcept>
#include <string>

namespace moe::cuda {

// A CUDA call that failed: its name for the error, the runtime's own sentence, and where.
class CudaError : public std::runtime_error {
 public:
  CudaError(cudaError_t code, const std::string& text) : std::runtime_error(text), code_(code) {}
  cudaError_t code() const { return code_; }

 private:
  cudaError_t code_;
};

// Throws std::bad_alloc when the device has no memory left, CudaError for anything else.
void check(cudaError_t error, std::source_location where = std::source_location::current());

// Straight after `kernel<<<...>>>(...)`: whether the launch itself was accepted.
inline void check_launch(std::source_location where = std::source_location::current()) {
  check(cudaGetLastError(), where);
}

}  // namespace moe::cuda
