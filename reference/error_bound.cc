#include "reference/error_bound.h"

#include <algorithm>
#include <cmath>

namespace moe::reference {
namespace {

// Roundings of silu(g) * up besides those of g and up: exp (2, its last bit), add, divide,
// multiply.
constexpr double kSwigluRoundings = 5;

double growth(std::int64_t n) {
  return std::min(static_cast<double>(n), 2 + std::sqrt(static_cast<double>(n)));
}

struct Sum {
  double value = 0;
  double absolute = 0;  // of the terms' absolute values
};

Sum dot(const float* a, const double* b, std::int64_t n) {
  double value = 0;
  double absolute = 0;
#pragma omp simd reduction(+ : value, absolute)
  for (std::int64_t i = 0; i < n; ++i) {
    const double term = static_cast<double>(a[i]) * b[i];
    value += term;
    absolute += std::abs(term);
  }
  return {value, absolute};
}

// For one expert, in units of u: |h[f]| and the most h[f] can be off.
void hidden_error(const MoeShape& s, const float* gate, const float* up, const double* x,
                  std::vector<double>& h, std::vector<double>& off) {
  const double c = growth(s.hidden);
  for (std::int64_t f = 0; f < s.ffn; ++f) {
    const Sum g = dot(gate + f * s.hidden, x, s.hidden);
    const Sum v = dot(up + f * s.hidden, x, s.hidden);
    const double sigma = 1 / (1 + std::exp(-g.value));
    const double silu = g.value * sigma;
    const double slope = std::abs(sigma * (1 + g.value * (1 - sigma)));  // d silu / d g
    h[f] = std::abs(silu * v.value);
    off[f] = c * (slope * g.absolute * std::abs(v.value) + std::abs(silu) * v.absolute) +
             kSwigluRoundings * h[f];
  }
}

}  // namespace

std::vector<double> moe_layer_error_bound(const MoeShape& s, const ExpertWeights& weights,
                                          MatrixView<const double> x,
                                          const BasicRouting<double>& routing, double u) {
  std::vector<double> bound(static_cast<std::size_t>(s.tokens), 0);
#pragma omp parallel for schedule(dynamic, 4)
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    std::vector<double> off(static_cast<std::size_t>(s.hidden), 0);
    std::vector<double> h(static_cast<std::size_t>(s.ffn));
    std::vector<double> h_off(static_cast<std::size_t>(s.ffn));
    const double terms = routing.offsets[t + 1] - routing.offsets[t];
    for (auto a = routing.offsets[t]; a < routing.offsets[t + 1]; ++a) {
      const std::int64_t first = routing.expert[a] * s.ffn * s.hidden;
      hidden_error(s, weights.gate.data() + first, weights.up.data() + first, x.row(t).data(), h,
                   h_off);
      const float* down = weights.down.data() + first;  // [H, F]
      // Each output: the errors of h carried over, the sum over F, then `terms` weighted additions.
      const double per_sum = growth(s.ffn) + 1 + terms;
      for (std::int64_t i = 0; i < s.hidden; ++i) {
        const double carried = dot(down + i * s.ffn, h_off.data(), s.ffn).absolute;
        const double own = dot(down + i * s.ffn, h.data(), s.ffn).absolute;
        off[i] += std::abs(routing.weight[a]) * (carried + per_sum * own);
      }
    }
    double squares = 0;
    for (const double o : off) squares += o * o;
    bound[t] = u * std::sqrt(squares);
  }
  return bound;
}

}  // namespace moe::reference
