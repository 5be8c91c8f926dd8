#include "reference/error_bound.h"

#include <algorithm>
#include <cmath>

namespace moe::reference {
namespace {

// Roundings of silu(g) * up besides those of g and up: exp (2, its last bit), add, divide,
// multiply.
constexpr double kSwigluRoundings = 5;

// Of a sum of n products, in units of u.
double sum_error(std::int64_t n, double value, double squares) {
  return std::sqrt(static_cast<double>(n)) * (std::abs(value) + std::sqrt(squares));
}

struct Sum {
  double value = 0;
  double squares = 0;  // of the terms
};

Sum dot(const float* a, const double* b, std::int64_t n) {
  double value = 0;
  double squares = 0;
#pragma omp simd reduction(+ : value, squares)
  for (std::int64_t i = 0; i < n; ++i) {
    const double term = static_cast<double>(a[i]) * b[i];
    value += term;
    squares += term * term;
  }
  return {value, squares};
}

double squared(double x) { return x * x; }

// For one expert: h[f] = silu(gate x) * (up x), and how far it may be off, in units of u.
void hidden(const MoeShape& s, const float* gate, const float* up, const double* x,
            std::vector<double>& h, std::vector<double>& off) {
  for (std::int64_t f = 0; f < s.ffn; ++f) {
    const Sum g = dot(gate + f * s.hidden, x, s.hidden);
    const Sum v = dot(up + f * s.hidden, x, s.hidden);
    const double sigma = 1 / (1 + std::exp(-g.value));
    const double silu = g.value * sigma;
    const double slope = sigma * (1 + g.value * (1 - sigma));  // d silu / d g
    h[f] = silu * v.value;
    off[f] = std::sqrt(squared(slope * v.value * sum_error(s.hidden, g.value, g.squares)) +
                       squared(silu * sum_error(s.hidden, v.value, v.squares)) +
                       squared(kSwigluRoundings * h[f]));
  }
}

// The square of what one assignment adds to the error of output i: the errors of h carried over,
// the sum over F, and the weighted addition to the `terms` of the token.
double output_error(const MoeShape& s, const float* down_row, const std::vector<double>& h,
                    const std::vector<double>& h_off, double weight, double terms) {
  const Sum out = dot(down_row, h.data(), s.ffn);
  const Sum carried = dot(down_row, h_off.data(), s.ffn);
  return squared(weight) * (carried.squares + squared(sum_error(s.ffn, out.value, out.squares)) +
                            squared((1 + terms) * out.value));
}

}  // namespace

std::vector<double> moe_layer_error_bound(const MoeShape& s, const ExpertWeights& weights,
                                          MatrixView<const double> x,
                                          const BasicRouting<double>& routing, double u) {
  std::vector<double> bound(static_cast<std::size_t>(s.tokens), 0);
  const double unlucky = 1 + 4 / std::sqrt(static_cast<double>(std::min(s.hidden, s.ffn)));
#pragma omp parallel for schedule(dynamic, 4)
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    std::vector<double> h(static_cast<std::size_t>(s.ffn));
    std::vector<double> h_off(static_cast<std::size_t>(s.ffn));
    const double terms = routing.offsets[t + 1] - routing.offsets[t];
    double squares = 0;
    for (auto a = routing.offsets[t]; a < routing.offsets[t + 1]; ++a) {
      const std::int64_t first = routing.expert[a] * s.ffn * s.hidden;
      hidden(s, weights.gate.data() + first, weights.up.data() + first, x.row(t).data(), h, h_off);
      const float* down = weights.down.data() + first;  // [H, F]
      for (std::int64_t i = 0; i < s.hidden; ++i) {
        squares += output_error(s, down + i * s.ffn, h, h_off, routing.weight[a], terms);
      }
    }
    bound[t] = unlucky * u * std::sqrt(squares);
  }
  return bound;
}

}  // namespace moe::reference
