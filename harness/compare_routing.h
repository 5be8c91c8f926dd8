#pragma once
#include <cstdint>
#include <string>

#include "kernels/contract/strategy.h"

namespace moe::harness {

struct RoutingComparison {
  std::int64_t differences = 0;
  std::int64_t near_ties = 0;
  std::string fault{};  // in words, empty when the routing is the policy's
};

// Is `got` the routing that `policy` makes of these logits? Selections must be the same experts, by
// the tie rule; expert choice and token rounding compare probabilities, so there another token is
// let pass (and counted) when the two scores differ by no more than rounding explains. Weights may
// be off by the rounding of a softmax in f32: each term's exponent loses |g - max| u, exp 2 u, the
// sum of n terms n u, the division u.
RoutingComparison compare_routing(const RoutingPolicy& policy, const MoeShape& shape,
                                  MatrixView<const float> logits, const Routing& got);

}  // namespace moe::harness
