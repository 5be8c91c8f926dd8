#pragma once
#include <vector>

#include "kernels/contract/matrix.h"
#include "kernels/contract/routing.h"
#include "kernels/contract/strategy.h"

namespace moe::reference {

// How far rounding can be expected to take one MoE layer computed in a precision of unit roundoff
// `u` (f32: 2^-24) away from the exact one, per token, as an L2 norm over the row: [T].
//
// Roundings are taken as independent and without bias (Higham and Mary 2019): what n of them do to
// a sum grows with sqrt(n), and errors of independent terms add as squares. A sum of n products is
// then off by at most u * sqrt(n) * its largest partial sum, for which |sum| + sqrt(sum of squares)
// stands: right for terms of one sign as for terms of mixed signs. All sums are those of this very
// problem; their errors are carried through silu, the product gate * up and the second matrix
// product to first order. A row of many outputs averages; a short one may be unlucky, hence 1 + 4 /
// sqrt(min(H, F)), four standard deviations beyond the expected. The routing and its weights are
// taken as given.
std::vector<double> moe_layer_error_bound(const MoeShape& shape, const ExpertWeights& weights,
                                          MatrixView<const double> x,
                                          const BasicRouting<double>& routing, double u);

}  // namespace moe::reference
