// All experts as one product of NVIDIA's library, whose rows are counted on the device.
#pragma once
#include <cublasLt.h>

#include <cstdint>
#include <optional>
#include <string>

#include "kernels/contract/shape.h"
#include "kernels/cuda/detail/buffer.h"

// cuBLASLt 13.2 (toolkit 13.1) brought grouped products, for sm_100 only and at times without an
// algorithm for them; 13.4 (toolkit 13.2 Update 1) mended that and brought sm_90.
#define MOE_CUBLASLT_HAS_GROUPED (CUBLAS_VERSION >= 130400)

namespace moe::cuda {

// Why the library at hand cannot multiply the experts of such a layer on this device as one grouped
// product, or nothing.
std::optional<std::string> cublaslt_grouped_unsupported(const MoeShape& shape);

#if MOE_CUBLASLT_HAS_GROUPED

// C[rows of e] = A[rows of e] * B[e]^T for every expert e; a group is rows begin[e] .. begin[e] +
// count[e] of A and C.
struct LtGroups {
  DType dtype = DType::kBf16;   // of A and B
  DType c_type = DType::kBf16;  // f32, or that of A
  int experts = 0;
  std::int64_t columns = 0, depth = 0;
  std::int64_t a_stride = 0, b_stride = 0, c_stride = 0;  // elements from row to row
  const void* b = nullptr;                                // [experts, columns, depth]
  const std::int32_t* begin = nullptr;                    // [experts], on the device like all these
  const std::int32_t* count = nullptr;                    // [experts]
  std::int64_t average_rows = 0;                          // of an expert: the library chooses by it
};

// Allocates and asks for an algorithm when it is made, and never again: a run can be recorded.
class LtGroupedProduct {
 public:
  LtGroupedProduct() = default;
  explicit LtGroupedProduct(const LtGroups& groups);

  void run(const void* a, void* c, cudaStream_t stream);

  int algorithm() const;
  std::int64_t workspace_bytes() const;

 private:
  void choose(std::int64_t average_rows);

  LtGroups groups_;
  cublasLtMatmulDescOpaque_t operation_{};
  cublasLtMatrixLayoutOpaque_t b_layout_{}, a_layout_{}, c_layout_{};
  cublasLtMatmulAlgo_t algorithm_{};
  Buffer<std::int32_t> sizes_;  // columns, depth and three strides of every expert
  Buffer<const void*> b_, a_;   // where each expert's matrices lie
  Buffer<void*> c_;
  Buffer<float> scalars_;  // alpha and beta
  Buffer<std::uint8_t> library_workspace_;
};

#endif

}  // namespace moe::cuda
