// What all products of NVIDIA's library share.
#pragma once
#include <cublasLt.h>

#include "kernels/contract/shape.h"

namespace moe::cuda::lt {

void check(cublasStatus_t status, const char* call);  // throws std::runtime_error
cublasLtHandle_t handle();                            // made by the first call, which allocates
cudaDataType type_of(DType dtype);
int id_of(const cublasLtMatmulAlgo_t& algorithm);  // the library's own number

}  // namespace moe::cuda::lt
