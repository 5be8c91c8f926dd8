// Descriptions of matrices for tensor copies, made by the driver's own function without linking the
// driver: its address is asked of the runtime.
#pragma once
#include <cuda.h>

#include "harness/simt/cuda_tests/support/cuda_check.h"

namespace moe::simt::cuda_tests {

// A row-major matrix in global memory of which boxes of `box_rows` x `box_columns` are copied.
struct MatrixMap {
  CUtensorMapDataType type = CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  int element_bytes = 2;
  int rows = 0, columns = 0;
  unsigned box_rows = 64, box_columns = 64;
  CUtensorMapSwizzle swizzle = CU_TENSOR_MAP_SWIZZLE_128B;
};

inline CUtensorMap tensor_map(void* matrix, const MatrixMap& m) {
  void* entry = nullptr;
  cudaDriverEntryPointQueryResult found{};
  cuda_check(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &entry, 12000,
                                              cudaEnableDefault, &found));
  const auto encode = reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(entry);
  const cuuint64_t size[2] = {static_cast<cuuint64_t>(m.columns), static_cast<cuuint64_t>(m.rows)};
  const cuuint64_t row_bytes[1] = {size[0] * static_cast<cuuint64_t>(m.element_bytes)};
  const cuuint32_t box[2] = {m.box_columns, m.box_rows}, step[2] = {1, 1};
  CUtensorMap map{};
  const CUresult result =
      encode(&map, m.type, 2, matrix, size, row_bytes, box, step, CU_TENSOR_MAP_INTERLEAVE_NONE,
             m.swizzle, CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (result != CUDA_SUCCESS) throw std::runtime_error("cuTensorMapEncodeTiled refuses the matrix");
  return map;
}

}  // namespace moe::simt::cuda_tests
