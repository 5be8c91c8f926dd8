// An expert's two products by cuBLASLt, with the activation as a launch of its own between them.
#pragma once
#include "kernels/cuda/detail/cublaslt.h"
#include "kernels/cuda/detail/layer.h"

namespace moe::cuda {

class LibraryExperts {
 public:
  LibraryExperts() = default;
  // `batch` experts at once, each of them with as many rows, no more than most_rows.
  LibraryExperts(const MoeShape& shape, const DeviceWeights& weights, std::int64_t most_rows,
                 int batch);

  // Experts first .. first + batch, whose rows lie behind each other.
  void run(const ProductRows& x, int first, std::int64_t rows, cudaStream_t stream);

  const void* output() const { return output_.data(); }  // [batch * rows, H]
  std::int64_t workspace_bytes() const;
  // "cuBLASLt 13.1.0: gate and up 6, 66; down 66"; empty before the first run.
  std::string algorithms() const;

 private:
  MoeShape shape_;
  const std::uint8_t* gate_up_ = nullptr;  // the weights
  const std::uint8_t* down_ = nullptr;
  std::int64_t gate_up_bytes_ = 0, down_bytes_ = 0;  // of an expert
  std::int64_t pair_stride_ = 0, hidden_stride_ = 0;
  int batch_ = 1;
  LtProduct first_, second_;
  Buffer<float> pairs_;  // gate and up, interleaved
  Buffer<std::uint8_t> hidden_, output_, workspace_;
};

}  // namespace moe::cuda
