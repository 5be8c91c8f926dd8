#pragma once
#include <vector>

#include "kernels/contract/matrix.h"
#include "kernels/contract/routing.h"
#include "kernels/contract/strategy.h"

namespace moe::reference {

// The routed part of one MoE layer under a given routing, [T, H]:
//   y[t] = sum over the assignments (e, w) of t of  w * down_e( silu(gate_e x[t]) * (up_e x[t]) )
// in ascending expert order, all arithmetic in Real. silu(z) = z / (1 + exp(-z)).
// A token without an assignment gets zeros. x: [T, H].
template <class Real>
std::vector<Real> moe_layer(const MoeShape& shape, const ExpertWeights& weights,
                            MatrixView<const Real> x, const BasicRouting<Real>& routing);

}  // namespace moe::reference
