// The dense products of a model: y = x W^T, one group of the experts' grouped product.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/contract/shape.h"
#include "kernels/cuda/detail/buffer.h"
#include "kernels/cuda/product/product.h"

namespace moe::cuda {

// Floats on the device, as they are.
Buffer<float> upload(std::span<const float> values);

// The same numbers, each rounded to the dtype: f32 or bf16.
std::vector<float> rounded_to(DType dtype, std::span<const float> values);

// One weight matrix, [rows, columns] = [out, in]. Columns are a multiple of 8, so that rows begin
// at multiples of 16 bytes.
struct DeviceMatrix {
  Buffer<std::uint8_t> values;
  DType dtype = DType::kF32;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
};
// Rounds to the dtype. Several blocks of rows stand one behind the other.
DeviceMatrix upload_matrix(std::span<const std::span<const float>> blocks, std::int64_t columns,
                           DType dtype);
// gate f and up f as neighbouring rows, for Epilogue::kSwiglu.
DeviceMatrix upload_gate_up(std::span<const float> gate, std::span<const float> up,
                            std::int64_t columns, DType dtype);

struct Linear {
  const DeviceMatrix* weights = nullptr;
  const void* x = nullptr;  // [T, in] of the weights' dtype
  std::int64_t x_stride = 0;
  std::int64_t tokens = 0;
  const std::int32_t* group = nullptr;  // on the device: 0, T
  Epilogue epilogue = Epilogue::kStore;
  void* y = nullptr;  // [T, out]; kSwiglu: [T, out / 2]
  DType y_type = DType::kF32;
  std::int64_t y_stride = 0;
};
void linear(const Linear& problem, cudaStream_t stream);

}  // namespace moe::cuda
