// The version of cuBLASLt that this stands in for: that of the headers.
#include <cublasLt.h>

extern "C" {

std::size_t cublasLtGetVersion() { return CUBLAS_VERSION; }
std::size_t cublasLtGetCudartVersion() { return CUDART_VERSION; }

}  // extern "C"
