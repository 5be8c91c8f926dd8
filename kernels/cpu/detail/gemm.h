#pragma once
#include "kernels/contract/matrix.h"

namespace moe::cpu {

// c[M, N] = a[M, K] * b[N, K]^T in f32, on the calling thread only. Every strategy multiplies
// through this one function, so that what a comparison shows is dispatch and not matrix products.
// Call it inside parallel_for: there the library keeps to one thread, and the same operands give
// the same bits whatever the number of threads.
void gemm(MatrixView<const float> a, MatrixView<const float> b, MatrixView<float> c);

}  // namespace moe::cpu
