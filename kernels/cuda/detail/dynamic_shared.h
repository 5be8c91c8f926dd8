// Leave to use more shared memory than the 48 KiB every kernel may have.
#pragma once
#include <algorithm>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/stream.h"

namespace moe::cuda {

// Once a process is enough, and it may be done while a stream is recorded.
template <class Kernel>
void allow_shared_bytes(Kernel kernel, int bytes) {
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             std::min(bytes, device_traits().shared_bytes_a_block)));
}

}  // namespace moe::cuda
