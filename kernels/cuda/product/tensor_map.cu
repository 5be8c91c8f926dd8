#include <stdexcept>
#include <string>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/product/tensor_map.h"

namespace moe::cuda {
namespace {

struct Stored {
  CUtensorMapDataType type;
  std::int64_t bytes;
};

Stored stored(DType dtype) {
  switch (dtype) {
    case DType::kBf16:
      return {CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2};
    case DType::kF16:
      return {CU_TENSOR_MAP_DATA_TYPE_FLOAT16, 2};
    case DType::kE4m3:
    case DType::kInt8:
    case DType::kInt4:  // never asked for
      return {CU_TENSOR_MAP_DATA_TYPE_UINT8, 1};
    case DType::kF32:
    case DType::kTf32:  // rounded already: copied as it is
      break;
  }
  return {CU_TENSOR_MAP_DATA_TYPE_FLOAT32, 4};
}

decltype(&cuTensorMapEncodeTiled) encode_function() {
  static const auto function = [] {
    void* entry = nullptr;
    cudaDriverEntryPointQueryResult found{};
    check(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &entry, 12000,
                                           cudaEnableDefault, &found));
    if (found != cudaDriverEntryPointSuccess) check(cudaErrorSymbolNotFound);
    return reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(entry);
  }();
  return function;
}

}  // namespace

CUtensorMap make_tensor_map(const TensorMapRequest& request) {
  const auto [type, bytes] = stored(request.dtype);
  const auto row_bytes = static_cast<cuuint64_t>(request.stride * bytes);
  const auto rows = static_cast<cuuint64_t>(request.rows);
  const cuuint64_t sizes[3] = {static_cast<cuuint64_t>(request.columns), rows,
                               static_cast<cuuint64_t>(request.matrices)};
  const cuuint64_t strides[2] = {row_bytes, rows * row_bytes};
  const cuuint32_t box[3] = {static_cast<cuuint32_t>(128 / bytes),
                             static_cast<cuuint32_t>(request.box_rows), 1};
  const cuuint32_t steps[3] = {1, 1, 1};
  CUtensorMap map{};
  const CUresult result = encode_function()(
      &map, type, request.matrices == 0 ? 2 : 3, const_cast<void*>(request.data), sizes, strides,
      box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
      CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (result != CUDA_SUCCESS) {
    throw std::invalid_argument("cuTensorMapEncodeTiled refuses a matrix of " +
                                std::to_string(request.rows) + " rows, " +
                                std::to_string(row_bytes) + " bytes apart");
  }
  return map;
}

}  // namespace moe::cuda
