#pragma once
#include "kernels/contract/matrix.h"
#include "kernels/contract/routing.h"
#include "kernels/contract/shape.h"

namespace moe::reference {

// Who goes where, by the policy's definition, one token and one expert at a time.
// logits: [T, E], finite. Selection compares logits, never probabilities: softmax is monotone, so
// exact arithmetic chooses the same, and a logit needs no agreement about rounding. Expert choice
// has to compare probabilities of different tokens, and compares them as Real.
// The weights of token choice are softmax over the chosen K (shape.renormalize) or over all E;
// those of expert choice are always softmax over all E; token rounding weighs like token choice,
// with the same denominator where a token goes to an expert it did not choose.
template <class Real>
BasicRouting<Real> route(const RoutingPolicy& policy, const MoeShape& shape,
                         MatrixView<const Real> logits);

}  // namespace moe::reference
