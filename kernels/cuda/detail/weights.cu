// Packs the weights on the host, an expert at a time, so that the host needs room for one.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include "kernels/cuda/detail/numbers.cuh"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/weights.h"

namespace moe::cuda {
namespace {

constexpr std::int64_t kRowAlignment = 16;  // bytes

float scale_of(std::span<const float> row) {
  float most = 0;
  for (const float x : row) most = std::max(most, std::fabs(x));
  return e4m3_scale(most);
}

// One row in the dtype's bits. `scale`: where e4m3 puts its scale.
void pack_row(std::span<const float> row, DType dtype, std::uint8_t* to, float* scale) {
  const std::size_t n = row.size();
  switch (dtype) {
    case DType::kF32:
    case DType::kTf32:
      std::memcpy(to, row.data(), n * sizeof(float));
      return;
    case DType::kBf16: {
      for (std::size_t i = 0; i < n; ++i) {
        const __nv_bfloat16 x = __float2bfloat16_rn(row[i]);
        std::memcpy(to + 2 * i, &x, 2);
      }
      return;
    }
    case DType::kF16: {
      for (std::size_t i = 0; i < n; ++i) {
        const __half x = __float2half_rn(row[i]);
        std::memcpy(to + 2 * i, &x, 2);
      }
      return;
    }
    case DType::kE4m3: {
      *scale = scale_of(row);
      for (std::size_t i = 0; i < n; ++i) to[i] = __nv_fp8_e4m3(row[i] / *scale).__x;
      return;
    }
    case DType::kInt8:
    case DType::kInt4:  // product_unsupported
      return;
  }
}

// A matrix of an expert on its way to the device; the padding of its rows stays zero.
struct Staging {
  Staging(std::int64_t rows, std::int64_t stride, DType type)
      : dtype(type),
        row_bytes(stride * element_bytes(type)),
        bytes(static_cast<std::size_t>(rows * row_bytes)),
        scales(type == DType::kE4m3 ? static_cast<std::size_t>(rows) : 0) {}

  void set(std::int64_t r, std::span<const float> row) {
    pack_row(row, dtype, bytes.data() + r * row_bytes, scales.empty() ? nullptr : &scales[r]);
  }
  void send(std::int64_t expert, std::uint8_t* to, float* to_scales) const {
    copy(to + expert * static_cast<std::int64_t>(bytes.size()), bytes);
    if (!scales.empty()) {
      copy(to_scales + expert * static_cast<std::int64_t>(scales.size()), scales);
    }
    check(cudaStreamSynchronize(stream()));  // before the next expert takes this one's place
  }
  // In the stream of the products, which no other stream waits for.
  template <class T>
  static void copy(T* to, const std::vector<T>& from) {
    check(cudaMemcpyAsync(to, from.data(), from.size() * sizeof(T), cudaMemcpyHostToDevice,
                          stream()));
  }

  DType dtype;
  std::int64_t row_bytes;
  std::vector<std::uint8_t> bytes;
  std::vector<float> scales;
};

std::span<const float> row_of(const std::vector<float>& matrix, std::int64_t row,
                              std::int64_t columns) {
  return {matrix.data() + row * columns, static_cast<std::size_t>(columns)};
}

}  // namespace

int element_bytes(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kTf32:
      return 4;
    case DType::kBf16:
    case DType::kF16:
      return 2;
    case DType::kE4m3:
    case DType::kInt8:
    case DType::kInt4:  // product_unsupported
      return 1;
  }
  return 0;
}

std::int64_t padded_stride(std::int64_t columns, DType dtype) {
  const std::int64_t step = kRowAlignment / element_bytes(dtype);
  return (columns + step - 1) / step * step;
}

DeviceWeights upload_weights(const MoeShape& shape, const ExpertWeights& weights) {
  const std::int64_t e = shape.experts, f = shape.ffn, h = shape.hidden;
  const bool scaled = shape.dtype == DType::kE4m3;
  DeviceWeights device;
  device.gate_up_stride = padded_stride(h, shape.dtype);
  device.down_stride = padded_stride(f, shape.dtype);
  Staging gate_up(2 * f, device.gate_up_stride, shape.dtype);
  Staging down(h, device.down_stride, shape.dtype);
  device.gate_up = Buffer<std::uint8_t>(e * static_cast<std::int64_t>(gate_up.bytes.size()));
  device.down = Buffer<std::uint8_t>(e * static_cast<std::int64_t>(down.bytes.size()));
  device.gate_up_scale = Buffer<float>(scaled ? e * 2 * f : 0);
  device.down_scale = Buffer<float>(scaled ? e * h : 0);
  for (std::int64_t i = 0; i < e; ++i) {
    for (std::int64_t r = 0; r < f; ++r) {
      gate_up.set(2 * r, row_of(weights.gate, i * f + r, h));
      gate_up.set(2 * r + 1, row_of(weights.up, i * f + r, h));
    }
    for (std::int64_t r = 0; r < h; ++r) down.set(r, row_of(weights.down, i * h + r, f));
    gate_up.send(i, device.gate_up.data(), device.gate_up_scale.data());
    down.send(i, device.down.data(), device.down_scale.data());
  }
  return device;
}

}  // namespace moe::cuda
