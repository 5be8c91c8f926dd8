#pragma once
#include <vector>

#include "kernels/contract/matrix.h"
#include "kernels/contract/routing.h"
#include "kernels/contract/strategy.h"

namespace moe::reference {

// How far rounding alone can take one MoE layer computed in a precision of unit roundoff `u` (f32:
// 2^-24) away from the exact one, per token, as an L2 norm over the row: [T].
//
// A sum of n products is off by at most c(n) * u * sum |a b| with c(n) = min(n, 2 + sqrt(n)): n is
// the worst case (Higham, Accuracy and Stability of Numerical Algorithms, 3.1), sqrt(n) what
// roundings of random sign add up to (Higham and Mary 2019), and it held with room for sums of one
// sign as well as of mixed signs. The sums of absolute values are those of this very problem, and
// errors are carried through silu, the product gate * up and the second matrix product to first
// order in u. The routing and its weights are taken as given.
std::vector<double> moe_layer_error_bound(const MoeShape& shape, const ExpertWeights& weights,
                                          MatrixView<const double> x,
                                          const BasicRouting<double>& routing, double u);

}  // namespace moe::reference
