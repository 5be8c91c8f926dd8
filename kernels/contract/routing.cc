#include "kernels/contract/routing.h"

#include <algorithm>
#include <cmath>

namespace moe {

std::int64_t capacity(const MoeShape& shape, double factor, Rounding rounding) {
  if (shape.tokens == 0) return 0;
  const double exact = factor * static_cast<double>(shape.top_k) *
                       static_cast<double>(shape.tokens) / static_cast<double>(shape.experts);
  const double whole = rounding == Rounding::kCeil    ? std::ceil(exact)
                       : rounding == Rounding::kFloor ? std::floor(exact)
                                                      : std::nearbyint(exact);
  return static_cast<std::int64_t>(std::clamp(whole, 1.0, static_cast<double>(shape.tokens)));
}

std::int64_t rounded_count(const TokenRounding& policy, std::int64_t count, std::int64_t tokens) {
  const std::int64_t up = policy.rounding == Rounding::kCeil      ? policy.tile - 1
                          : policy.rounding == Rounding::kNearest ? policy.tile / 2
                                                                  : 0;
  return std::min((count + up) / policy.tile * policy.tile, tokens);
}

std::vector<std::int32_t> expert_offsets(const Routing& routing, std::int64_t experts) {
  std::vector<std::int32_t> begin(static_cast<std::size_t>(experts) + 1, 0);
  for (const std::int32_t e : routing.expert) ++begin[static_cast<std::size_t>(e) + 1];
  for (std::size_t e = 1; e < begin.size(); ++e) begin[e] += begin[e - 1];
  return begin;
}

}  // namespace moe
