// Products of NVIDIA's library, for comparison with our own.
#pragma once
#include <cublasLt.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/contract/shape.h"
#include "kernels/cuda/detail/buffer.h"

namespace moe::cuda {

// Why the library cannot multiply rows of this dtype here, or nothing.
std::optional<std::string> cublaslt_unsupported(DType dtype);

// C[rows, columns] = A[rows, depth] * B[columns, depth]^T, `batch` of them at fixed distances.
struct LtShape {
  DType dtype = DType::kF32;   // of A and B
  DType c_type = DType::kF32;  // f32, or that of A
  std::int64_t columns = 0, depth = 0;
  std::int64_t a_stride = 0, b_stride = 0, c_stride = 0;  // elements from row to row
  int batch = 1;
};

std::string cublaslt_version();  // of the library at hand: "cuBLASLt 13.1.0"

// What the library may use meanwhile: 32 MiB, as NVIDIA advises for sm_90. Algorithms that ask for
// more are not offered. Products one after another share it.
inline constexpr std::int64_t kLtWorkspaceBytes = std::int64_t{32} << 20;

// One shape but for its rows. The library is asked for an algorithm the first time a number of rows
// is seen, and the answer kept.
class LtProduct {
 public:
  LtProduct() = default;
  LtProduct(const LtShape& shape, std::int64_t most_rows);

  // A batch's matrices lie `rows` rows behind each other in A and C, `columns` rows in B.
  void run(const void* a, const void* b, void* c, std::int64_t rows,
           const Buffer<std::uint8_t>& workspace, cudaStream_t stream);

  // The library's numbers of the algorithms it chose so far, each once, in rising order.
  std::vector<int> algorithms() const;

 private:
  struct Choice {
    bool made = false;
    cublasLtMatmulAlgo_t algorithm{};
  };

  LtShape shape_;
  std::vector<Choice> choice_;  // by rows
};

}  // namespace moe::cuda
