#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "reference/matrix.h"

namespace moe::reference {

// The layers that both models are made of. Weights are float, arithmetic is Real. Rows are tokens.

// Fewer operations than this are done sooner than other threads wake up.
constexpr std::int64_t kWorthThreads = 1 << 16;

// y = x W^T + b
struct Linear {
  std::int64_t out = 0;
  std::int64_t in = 0;
  std::vector<float> weight{};  // [out, in], as published
  std::vector<float> bias{};    // [out], or empty
};

struct Swiglu {
  Linear gate;  // [I, H]
  Linear up;    // [I, H]
  Linear down;  // [H, I]
};

// Eight sums side by side: additions need not wait for each other, and their order is the same from
// every compiler, which an OpenMP reduction does not promise.
template <class Left, class Real>
Real dot(const Left* a, const Real* b, std::int64_t n) {
  constexpr int kSums = 8;
  Real sum[kSums] = {};
  std::int64_t i = 0;
  for (; i + kSums <= n; i += kSums) {
#pragma omp simd
    for (int k = 0; k < kSums; ++k) sum[k] += static_cast<Real>(a[i + k]) * b[i + k];
  }
  for (int k = 0; i + k < n; ++k) sum[k] += static_cast<Real>(a[i + k]) * b[i + k];
  for (int width = kSums / 2; width > 0; width /= 2) {
    for (int k = 0; k < width; ++k) sum[k] += sum[k + width];
  }
  return sum[0];
}

// x: [T, in] -> [T, out]
template <class Real>
Matrix<Real> linear(const Linear& l, const Matrix<Real>& x) {
  constexpr std::int64_t kTile = 16;  // tokens that stay in the cache while all of W passes by
  Matrix<Real> y(x.rows, l.out);
#pragma omp parallel for collapse(2) schedule(static) if (x.rows * l.out * l.in > kWorthThreads)
  for (std::int64_t first = 0; first < x.rows; first += kTile) {
    for (std::int64_t o = 0; o < l.out; ++o) {
      const float* w = l.weight.data() + o * l.in;
      const Real b = l.bias.empty() ? Real{0} : static_cast<Real>(l.bias[o]);
      for (std::int64_t t = first; t < std::min(first + kTile, x.rows); ++t) {
        y.row(t)[o] = dot(w, x.row(t), l.in) + b;
      }
    }
  }
  return y;
}

template <class Real>
Real sigmoid(Real z) {
  return 1 / (1 + std::exp(-z));
}

template <class Real>
Real silu(Real z) {
  return z * sigmoid(z);
}

// y = silu(a) * b, element by element
template <class Real>
Matrix<Real> silu_times(Matrix<Real> a, const Matrix<Real>& b) {
#pragma omp parallel for if (a.rows * a.cols > kWorthThreads)
  for (std::size_t i = 0; i < a.values.size(); ++i) a.values[i] = silu(a.values[i]) * b.values[i];
  return a;
}

// down( silu(gate x) * (up x) ); Shazeer, arXiv 2002.05202
template <class Real>
Matrix<Real> swiglu(const Swiglu& w, const Matrix<Real>& x) {
  return linear(w.down, silu_times(linear(w.gate, x), linear(w.up, x)));
}

// y = w * x / sqrt(mean(x^2) + eps), row by row; Zhang and Sennrich, arXiv 1910.07467
template <class Real>
Matrix<Real> rms_norm(const std::vector<float>& weight, double eps, const Matrix<Real>& x) {
  Matrix<Real> y(x.rows, x.cols);
#pragma omp parallel for if (x.rows * x.cols > kWorthThreads)
  for (std::int64_t t = 0; t < x.rows; ++t) {
    const Real mean = dot(x.row(t), x.row(t), x.cols) / static_cast<Real>(x.cols);
    const Real scale = 1 / std::sqrt(mean + static_cast<Real>(eps));
    for (std::int64_t i = 0; i < x.cols; ++i) y.row(t)[i] = weight[i] * (x.row(t)[i] * scale);
  }
  return y;
}

// x += y
template <class Real>
void add(Matrix<Real>& x, const Matrix<Real>& y) {
  for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] += y.values[i];
}

}  // namespace moe::reference
