#pragma once
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/contract/error.h"
#include "kernels/contract/strategy.h"
#include "reference/matrix.h"
#include "reference/moe_layer.h"
#include "reference/route.h"

namespace moe::reference {

// The seam through which a model asks for its routed experts, so that any way of dispatching can be
// put inside a whole model. The router's matrix product and a shared expert stay the model's.
template <class Real>
struct RoutedOutput {
  std::vector<Real> y{};         // [T, H]
  BasicRouting<Real> routing{};  // what was really done
};
template <class Real>
using RoutedExperts = std::function<RoutedOutput<Real>(
    std::int64_t layer, const MoeShape& shape, const ExpertWeights& weights,
    MatrixView<const Real> x, MatrixView<const Real> logits)>;

// What the models publish: every token its top K, nothing dropped, one expert after the other.
template <class Real>
RoutedExperts<Real> naive_experts() {
  return [](std::int64_t, const MoeShape& shape, const ExpertWeights& weights,
            MatrixView<const Real> x, MatrixView<const Real> logits) {
    RoutedOutput<Real> out;
    out.routing = route<Real>(TokenChoice{}, shape, logits);
    out.y = moe_layer<Real>(shape, weights, x, out.routing);
    return out;
  };
}

// What one pass through a model's layers leaves behind.
template <class Real>
struct DecoderOutput {
  Matrix<Real> hidden{};                      // [T, H], after the final norm
  std::vector<Matrix<Real>> router_logits{};  // [layers] of [T, E]; empty in a dense model
  std::vector<BasicRouting<Real>> routing{};  // [layers]
};

// Calls the seam for one layer and keeps what it did in `record`. A router logit that is not finite
// has no place in an order: UserError, since only broken weights or inputs make one.
template <class Real>
Matrix<Real> run_experts(const RoutedExperts<Real>& experts, std::int64_t layer, MoeShape shape,
                         const ExpertWeights& weights, const Matrix<Real>& x, Matrix<Real> logits,
                         DecoderOutput<Real>& record) {
  for (std::int64_t t = 0; t < logits.rows; ++t) {
    for (std::int64_t e = 0; e < logits.cols; ++e) {
      if (std::isfinite(logits.row(t)[e])) continue;
      throw UserError("layer " + std::to_string(layer) + ": the router's logit of token " +
                      std::to_string(t) + " for expert " + std::to_string(e) + " is " +
                      std::to_string(logits.row(t)[e]) +
                      ", expected a finite number: the weights or the input overflow");
    }
  }
  shape.tokens = x.rows;
  RoutedOutput<Real> out = experts(layer, shape, weights, x.view(), logits.view());
  record.routing.push_back(std::move(out.routing));
  record.router_logits.push_back(std::move(logits));
  return Matrix<Real>(x.rows, x.cols, std::move(out.y));
}

}  // namespace moe::reference
