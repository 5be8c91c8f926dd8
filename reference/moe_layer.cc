#include "reference/moe_layer.h"

#include <cmath>

namespace moe::reference {
namespace {

template <class Real>
Real dot(const float* weight, const Real* x, std::int64_t n) {
  Real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<Real>(weight[i]) * x[i];
  return sum;
}

// y[t] += w * expert(x[t])
template <class Real>
void add_expert(const MoeShape& s, const ExpertWeights& weights, std::int64_t e, const Real* x,
                Real w, Real* y) {
  const float* gate = weights.gate.data() + e * s.ffn * s.hidden;  // [F, H]
  const float* up = weights.up.data() + e * s.ffn * s.hidden;      // [F, H]
  const float* down = weights.down.data() + e * s.hidden * s.ffn;  // [H, F]
  std::vector<Real> h(static_cast<std::size_t>(s.ffn));
  for (std::int64_t f = 0; f < s.ffn; ++f) {
    const Real g = dot(gate + f * s.hidden, x, s.hidden);
    const Real u = dot(up + f * s.hidden, x, s.hidden);
    h[f] = g / (1 + std::exp(-g)) * u;
  }
  for (std::int64_t i = 0; i < s.hidden; ++i) y[i] += w * dot(down + i * s.ffn, h.data(), s.ffn);
}

}  // namespace

template <class Real>
std::vector<Real> moe_layer(const MoeShape& s, const ExpertWeights& weights,
                            MatrixView<const Real> x, const BasicRouting<Real>& routing) {
  std::vector<Real> y(static_cast<std::size_t>(s.tokens * s.hidden), 0);
  for (std::int32_t e = 0; e < s.experts; ++e) {
#pragma omp parallel for schedule(dynamic, 4)
    for (std::int64_t t = 0; t < s.tokens; ++t) {
      for (auto a = routing.offsets[t]; a < routing.offsets[t + 1]; ++a) {
        if (routing.expert[a] == e) {
          add_expert(s, weights, e, x.row(t).data(), routing.weight[a], y.data() + t * s.hidden);
        }
      }
    }
  }
  return y;
}

template std::vector<float> moe_layer(const MoeShape&, const ExpertWeights&,
                                      MatrixView<const float>, const BasicRouting<float>&);
template std::vector<double> moe_layer(const MoeShape&, const ExpertWeights&,
                                       MatrixView<const double>, const BasicRouting<double>&);

}  // namespace moe::reference
