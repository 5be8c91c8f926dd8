#include "kernels/cpu/detail/gemm.h"

#include <cblas.h>

namespace moe::cpu {

void gemm(MatrixView<const float> a, MatrixView<const float> b, MatrixView<float> c) {
  if (a.rows == 0 || b.rows == 0) return;
  const auto lda = static_cast<blasint>(a.stride);
  const auto ldb = static_cast<blasint>(b.stride);
  const auto ldc = static_cast<blasint>(c.stride);
  const auto m = static_cast<blasint>(a.rows);
  const auto n = static_cast<blasint>(b.rows);
  const auto k = static_cast<blasint>(a.cols);
  if (a.rows == 1) {  // a general product reads the weights twice as slowly as this one does
    cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1.0F, b.data, ldb, a.data, 1, 0.0F, c.data, 1);
    return;
  }
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0F, a.data, lda, b.data, ldb,
              0.0F, c.data, ldc);
}

}  // namespace moe::cpu
