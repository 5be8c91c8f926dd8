#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/contract/matrix.h"

namespace moe::reference {

// Rows of activations, owned, without gaps.
template <class Real>
struct Matrix {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::vector<Real> values{};  // [rows, cols]

  Matrix() = default;
  Matrix(std::int64_t r, std::int64_t c) : rows(r), cols(c), values(r * c, Real{0}) {}
  Matrix(std::int64_t r, std::int64_t c, std::vector<Real> v)
      : rows(r), cols(c), values(std::move(v)) {}

  Real* row(std::int64_t r) { return values.data() + r * cols; }
  const Real* row(std::int64_t r) const { return values.data() + r * cols; }
  MatrixView<const Real> view() const { return packed(values.data(), rows, cols); }
};

// The last of every sequence's rows: [B * S, n] -> [B, n]
template <class Real>
Matrix<Real> last_rows(const Matrix<Real>& x, std::int64_t batch) {
  Matrix<Real> last(batch, x.cols);
  const std::int64_t steps = x.rows / batch;
  for (std::int64_t b = 0; b < batch; ++b) {
    std::copy_n(x.row(b * steps + steps - 1), x.cols, last.row(b));
  }
  return last;
}

}  // namespace moe::reference
