#include <cuda_bf16.h>

#include <stdexcept>

#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/model/linear.h"

namespace moe::cuda {
namespace {

// bf16 is the upper half of an f32. Nearest, ties to even; a NaN stays one.
std::uint16_t bf16_bits(float x) { return __bfloat16_as_ushort(__float2bfloat16_rn(x)); }

template <class T>
Buffer<std::uint8_t> bytes_on_device(const std::vector<T>& values) {
  Buffer<std::uint8_t> out(static_cast<std::int64_t>(values.size() * sizeof(T)));
  copy_to_device(out.data(), values.data(), values.size() * sizeof(T));
  return out;
}

DeviceMatrix upload_rows(const std::vector<float>& values, std::int64_t columns, DType dtype) {
  DeviceMatrix m;
  m.dtype = dtype;
  m.columns = columns;
  m.rows = static_cast<std::int64_t>(values.size()) / columns;
  if (dtype == DType::kF32) {
    m.values = bytes_on_device(values);
  } else if (dtype == DType::kBf16) {
    std::vector<std::uint16_t> bits(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) bits[i] = bf16_bits(values[i]);
    m.values = bytes_on_device(bits);
  } else {
    throw std::invalid_argument("a model's matrices are f32 or bf16");
  }
  return m;
}

ProductKernel kernel_for(DType dtype, std::int64_t tokens) {
  if (dtype == DType::kF32) return ProductKernel::kFma;
  return tokens <= 16 ? ProductKernel::kMma16 : ProductKernel::kMma64;
}

}  // namespace

Buffer<float> upload(std::span<const float> values) {
  Buffer<float> out(static_cast<std::int64_t>(values.size()));
  if (!values.empty()) copy_to_device(out.data(), values.data(), values.size_bytes());
  return out;
}

std::vector<float> rounded_to(DType dtype, std::span<const float> values) {
  std::vector<float> out(values.begin(), values.end());
  if (dtype == DType::kF32) return out;
  for (float& x : out) x = __bfloat162float(__float2bfloat16_rn(x));
  return out;
}

DeviceMatrix upload_matrix(std::span<const std::span<const float>> blocks, std::int64_t columns,
                           DType dtype) {
  std::vector<float> all;
  for (const auto& block : blocks) all.insert(all.end(), block.begin(), block.end());
  return upload_rows(all, columns, dtype);
}

DeviceMatrix upload_gate_up(std::span<const float> gate, std::span<const float> up,
                            std::int64_t columns, DType dtype) {
  std::vector<float> all;
  all.reserve(gate.size() + up.size());
  for (auto at = static_cast<std::size_t>(0); at < gate.size(); at += columns) {
    for (const auto& from : {gate, up}) {
      const auto row = from.subspan(at, static_cast<std::size_t>(columns));
      all.insert(all.end(), row.begin(), row.end());
    }
  }
  return upload_rows(all, columns, dtype);
}

void linear(const Linear& problem, cudaStream_t stream) {
  const DeviceMatrix& w = *problem.weights;
  GroupedProduct product;
  product.dtype = w.dtype;
  product.a = problem.x;
  product.a_rows = problem.tokens;
  product.a_stride = problem.x_stride;
  product.b = w.values.data();
  product.b_stride = w.columns;
  product.experts = 1;
  product.columns = w.rows;
  product.depth = w.columns;
  product.begin = problem.group;
  product.count = problem.group + 1;
  product.most_rows = problem.tokens;
  product.epilogue = problem.epilogue;
  product.c = problem.y;
  product.c_type = problem.y_type;
  product.c_stride = problem.y_stride;
  grouped_product(product, kernel_for(w.dtype, problem.tokens), stream);
}

}  // namespace moe::cuda
