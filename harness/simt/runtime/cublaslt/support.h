// Which types go together. Source: cuBLAS documentation 13.0, cublasLtMatmul(), the tables of
// supported compute, scale, matrix and bias types.
#pragma once
#include <cublasLt.h>

#include <optional>

namespace moe::simt::lt {

struct Types {
  cublasComputeType_t compute;
  cudaDataType scale, a, b, c, d;
};

struct Support {
  bool epilogues = true;  // others than the default one
  cudaDataType bias =
      CUDA_R_32F;  // its type where the descriptor does not say; the only one allowed
};

// Nothing: the combination is not supported.
std::optional<Support> support_of(const Types& types);

}  // namespace moe::simt::lt
