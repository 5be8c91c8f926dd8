// Descriptions of matrices for tensor copies (TMA): the driver's own encoding, made without linking
// the driver, which is not there where this is built.
#pragma once
#include <cuda.h>

#include <cstdint>

#include "kernels/contract/shape.h"

namespace moe::cuda {

// Row-major matrices [matrices, rows, columns] in global memory, of which boxes of box_rows rows of
// 128 bytes are copied to shared memory with the 128-byte swizzle. What a box holds beyond the
// matrix becomes zeros.
struct TensorMapRequest {
  const void* data = nullptr;  // a multiple of 16 bytes
  DType dtype = DType::kBf16;
  std::int64_t matrices = 0;  // 0: one matrix, and a map of two dimensions
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t stride = 0;  // elements from one row to the next; a multiple of 16 bytes
  int box_rows = 0;         // at most 256
};

// Throws std::invalid_argument for what the hardware cannot copy, CudaError where the driver has no
// such function.
CUtensorMap make_tensor_map(const TensorMapRequest& request);

}  // namespace moe::cuda
