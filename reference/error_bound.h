#pragma once
#include <vector>

#include "kernels/contract/matrix.h"
#include "kernels/contract/routing.h"
#include "kernels/contract/strategy.h"

namespace moe::reference {

// What a layer rounds, as unit roundoffs: relative errors of one rounding to nearest. 0: not
// rounded.
struct Roundings {
  double sum = 0x1p-24;  // every product and addition: f32
  double input = 0;      // tokens again before the first product (e4m3)
  double hidden = 0;     // silu(gate) * up before the second product
  double output = 0;     // an expert's row before the weighted sum
  // What programs that are made of whole tensors round besides (moebench judge):
  double products = 0;  // gate x and up x
  double silu = 0;      // silu(gate x) before it is multiplied by up x
  double weights = 0;   // the routing's weights
  double weighted = 0;  // an expert's row times its weight
  double partial = 0;   // the sum over a token's experts after each addition
  double result = 0;    // y
  // Below the least normal number steps are absolute: as a share of the largest value of the row
  // (formats with a scale for each row), or as they are.
  double row_step = 0;     // of input and hidden
  double hidden_step = 0;  // of hidden

  bool operator==(const Roundings&) const = default;
};

// How far rounding can be expected to take one MoE layer away from the exact one, per token, as
// an L2 norm over the row: [T].
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
                                          const BasicRouting<double>& routing,
                                          const Roundings& roundings);

}  // namespace moe::reference
