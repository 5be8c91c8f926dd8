#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/contract/matrix.h"
#include "kernels/contract/routing.h"
#include "kernels/contract/shape.h"

namespace moe::cpu {

// Token choice: the K experts of every token, best first, and their weights.
struct TopK {
  std::vector<std::int32_t> expert;  // [T, K]
  std::vector<float> weight;         // [T, K]
  std::int64_t tokens = 0;
  std::int64_t top_k = 0;

  void reserve(const MoeShape& shape);

  // Ties go to the lower expert. Weights: softmax over the K (renormalize) or over all E.
  void select(const MoeShape& shape, MatrixView<const float> logits);

  // The same as the contract's routing, without the assignments for which keep(t, k) is false.
  template <class Keep>
  Routing routing(const Keep& keep) const {
    Routing r{{0}, {}, {}};
    for (std::int64_t t = 0; t < tokens; ++t) {
      for (std::int64_t k = 0; k < top_k; ++k) {
        if (!keep(t, k)) continue;
        r.expert.push_back(expert[t * top_k + k]);
        r.weight.push_back(weight[t * top_k + k]);
      }
      r.offsets.push_back(static_cast<std::int32_t>(r.expert.size()));
    }
    return r;
  }
  Routing routing() const {
    return routing([](std::int64_t, std::int64_t) { return true; });
  }
};

// A token's softmax over all experts, that of expert e at to[e * apart]: where experts choose among
// tokens, each wants its own row of them.
void softmax_by_expert(std::span<const float> logits, float* to, std::int64_t apart);

}  // namespace moe::cpu
