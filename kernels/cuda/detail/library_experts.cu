#include "kernels/cuda/detail/library_experts.h"
#include "kernels/cuda/rows/rows.h"

namespace moe::cuda {
namespace {

// tf32 is stored as f32.
DType stored(DType dtype) { return dtype == DType::kTf32 ? DType::kF32 : dtype; }

std::string listed(const std::vector<int>& ids) {
  std::string text;
  for (const int id : ids) text += (text.empty() ? "" : ", ") + std::to_string(id);
  return text;
}

}  // namespace

LibraryExperts::LibraryExperts(const MoeShape& shape, const DeviceWeights& weights,
                               std::int64_t most_rows, int batch)
    : shape_(shape),
      gate_up_(weights.gate_up.data()),
      down_(weights.down.data()),
      gate_up_bytes_(weights.gate_up.bytes() / shape.experts),
      down_bytes_(weights.down.bytes() / shape.experts),
      pair_stride_(padded_stride(2 * shape.ffn, DType::kF32)),
      hidden_stride_(padded_stride(shape.ffn, shape.dtype)),
      batch_(batch) {
  const std::int64_t output_stride = padded_stride(shape.hidden, shape.dtype);
  first_ = LtProduct({.dtype = shape.dtype,
                      .c_type = DType::kF32,
                      .columns = 2 * shape.ffn,
                      .depth = shape.hidden,
                      .a_stride = padded_stride(shape.hidden, shape.dtype),
                      .b_stride = weights.gate_up_stride,
                      .c_stride = pair_stride_,
                      .batch = batch},
                     most_rows);
  second_ = LtProduct({.dtype = shape.dtype,
                       .c_type = stored(shape.dtype),
                       .columns = shape.hidden,
                       .depth = shape.ffn,
                       .a_stride = hidden_stride_,
                       .b_stride = weights.down_stride,
                       .c_stride = output_stride,
                       .batch = batch},
                      most_rows);
  const std::int64_t rows = most_rows * batch, bytes = element_bytes(shape.dtype);
  workspace_ = Buffer<std::uint8_t>(kLtWorkspaceBytes);
  pairs_ = Buffer<float>(rows * pair_stride_);
  hidden_ = Buffer<std::uint8_t>(rows * hidden_stride_ * bytes);
  output_ = Buffer<std::uint8_t>(rows * output_stride * bytes);
}

void LibraryExperts::run(const ProductRows& x, int first, std::int64_t rows, cudaStream_t stream) {
  first_.run(x.data, gate_up_ + first * gate_up_bytes_, pairs_.data(), rows, workspace_, stream);
  swiglu_rows(pairs_.data(), pair_stride_, hidden_.data(), shape_.dtype, hidden_stride_,
              rows * batch_, shape_.ffn, stream);
  second_.run(hidden_.data(), down_ + first * down_bytes_, output_.data(), rows, workspace_,
              stream);
}

std::int64_t LibraryExperts::workspace_bytes() const {
  return workspace_.bytes() + pairs_.bytes() + hidden_.bytes() + output_.bytes();
}

std::string LibraryExperts::algorithms() const {
  const std::string first = listed(first_.algorithms());
  if (first.empty()) return {};
  return cublaslt_version() + ": gate and up " + first + "; down " + listed(second_.algorithms());
}

}  // namespace moe::cuda
