#include "harness/work.h"

#include <numeric>

#include "harness/number_format.h"

namespace moe::harness {

Work work_done(const MoeShape& shape, const LoadStats& load, std::int64_t rows_computed) {
  const double expert_weights =
      3.0 * static_cast<double>(shape.hidden) * static_cast<double>(shape.ffn);
  const auto assignments = std::accumulate(load.tokens_per_expert.begin(),
                                           load.tokens_per_expert.end(), std::int64_t{0});
  const auto touched = static_cast<std::int64_t>(load.tokens_per_expert.size()) - load.dead_experts;
  const double rows = static_cast<double>(shape.tokens) * static_cast<double>(shape.hidden);
  return {
      .rows_computed = rows_computed,
      .useful_flops = 2.0 * static_cast<double>(assignments) * expert_weights,
      .issued_flops = 2.0 * static_cast<double>(rows_computed) * expert_weights,
      .touched_bytes = weight_bytes(shape.dtype) * static_cast<double>(touched) * expert_weights +
                       static_cast<double>(token_bytes(shape.dtype) + 4) * rows};
}

}  // namespace moe::harness
