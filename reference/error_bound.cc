#include "reference/error_bound.h"

#include <algorithm>
#include <cmath>

namespace moe::reference {
namespace {

// Roundings of silu(g) * up besides those of g and up: exp (2, its last bit), add, divide,
// multiply.
constexpr double kSwigluRoundings = 5;

// Of a sum of n products, in units of its roundoff.
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

double largest(const double* v, std::int64_t n) {
  double most = 0;
  for (std::int64_t i = 0; i < n; ++i) most = std::max(most, std::abs(v[i]));
  return most;
}

double norm_squared(const float* v, std::int64_t n) {
  double squares = 0;
#pragma omp simd reduction(+ : squares)
  for (std::int64_t i = 0; i < n; ++i) squares += static_cast<double>(v[i]) * v[i];
  return squares;
}

// The square of the error of a product of a row of weights with x: of the sum, of x rounded
// relatively, of x rounded in steps, and of the product rounded again.
double product_error(const MoeShape& s, const Roundings& r, const float* weights, const Sum& sum,
                     double step) {
  return squared(r.sum * sum_error(s.hidden, sum.value, sum.squares)) +
         squared(r.input) * sum.squares +
         (step > 0 ? squared(step) * norm_squared(weights, s.hidden) : 0) +
         squared(r.products * sum.value);
}

// For one expert: h[f] = silu(gate x) * (up x), and how far it may be off.
void hidden(const MoeShape& s, const Roundings& r, const float* gate, const float* up,
            const double* x, std::vector<double>& h, std::vector<double>& off) {
  const double x_step = r.row_step * largest(x, s.hidden);
  for (std::int64_t f = 0; f < s.ffn; ++f) {
    const float* gate_row = gate + f * s.hidden;
    const float* up_row = up + f * s.hidden;
    const Sum g = dot(gate_row, x, s.hidden);
    const Sum v = dot(up_row, x, s.hidden);
    const double sigma = 1 / (1 + std::exp(-g.value));
    const double silu = g.value * sigma;
    const double slope = sigma * (1 + g.value * (1 - sigma));  // d silu / d g
    h[f] = silu * v.value;
    off[f] = squared(slope * v.value) * product_error(s, r, gate_row, g, x_step) +
             squared(silu) * product_error(s, r, up_row, v, x_step) +
             squared(r.sum * kSwigluRoundings * h[f]) + squared(r.hidden * h[f]) +
             squared(r.silu * h[f]);
  }
  const double step = std::max(r.row_step * largest(h.data(), s.ffn), r.hidden_step);
  for (double& o : off) o = std::sqrt(o + squared(step));
}

// The square of what one assignment adds to the error of output i: the errors of h carried over,
// the sum over F, the rounding of the expert's row, and the weighted addition to the `terms` of the
// token. A partial sum that is rounded again has the size of the terms in it, which are as good as
// independent: each term's square counts once for every addition after it. The exact value goes to
// `y`.
double output_error(const MoeShape& s, const Roundings& r, const float* down_row,
                    const std::vector<double>& h, const std::vector<double>& h_off, double weight,
                    double terms, double& y) {
  const Sum out = dot(down_row, h.data(), s.ffn);
  const Sum carried = dot(down_row, h_off.data(), s.ffn);
  y += weight * out.value;
  const double rounded = squared(r.output) + squared(r.weights) + squared(r.weighted) +
                         terms * squared(r.partial) + squared(r.sum * (1 + terms));
  return squared(weight) *
         (carried.squares + squared(r.sum * sum_error(s.ffn, out.value, out.squares)) +
          rounded * squared(out.value));
}

}  // namespace

std::vector<double> moe_layer_error_bound(const MoeShape& s, const ExpertWeights& weights,
                                          MatrixView<const double> x,
                                          const BasicRouting<double>& routing,
                                          const Roundings& roundings) {
  std::vector<double> bound(static_cast<std::size_t>(s.tokens), 0);
  const double unlucky = 1 + 4 / std::sqrt(static_cast<double>(std::min(s.hidden, s.ffn)));
#pragma omp parallel for schedule(dynamic, 4)
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    std::vector<double> h(static_cast<std::size_t>(s.ffn));
    std::vector<double> h_off(static_cast<std::size_t>(s.ffn));
    const double terms = routing.offsets[t + 1] - routing.offsets[t];
    std::vector<double> y(static_cast<std::size_t>(s.hidden));
    double squares = 0;
    for (auto a = routing.offsets[t]; a < routing.offsets[t + 1]; ++a) {
      const std::int64_t first = routing.expert[a] * s.ffn * s.hidden;
      hidden(s, roundings, weights.gate.data() + first, weights.up.data() + first, x.row(t).data(),
             h, h_off);
      const float* down = weights.down.data() + first;  // [H, F]
      for (std::int64_t i = 0; i < s.hidden; ++i) {
        squares +=
            output_error(s, roundings, down + i * s.ffn, h, h_off, routing.weight[a], terms, y[i]);
      }
    }
    for (const double value : y) squares += squared(roundings.result * value);
    bound[t] = unlucky * std::sqrt(squares);
  }
  return bound;
}

}  // namespace moe::reference
