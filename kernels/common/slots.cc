#include "kernels/common/slots.h"

#include <algorithm>

namespace moe {

void place_by_expert(std::span<const std::int32_t> expert, std::int64_t top_k, std::int64_t experts,
                     Slots& slots) {
  const auto n = static_cast<std::int64_t>(expert.size());
  std::fill_n(slots.begin.begin(), experts + 1, 0);
  for (std::int64_t a = 0; a < n; ++a) ++slots.begin[expert[a] + 1];
  for (std::int64_t e = 0; e < experts; ++e) slots.begin[e + 1] += slots.begin[e];
  // begin[e] walks to the end of expert e's slots while they fill, and is moved back afterwards.
  for (std::int64_t a = 0; a < n; ++a) {
    const std::int32_t slot = slots.begin[expert[a]]++;
    slots.of_assignment[a] = slot;
    slots.token[slot] = static_cast<std::int32_t>(a / top_k);
  }
  for (std::int64_t e = experts; e > 0; --e) slots.begin[e] = slots.begin[e - 1];
  slots.begin[0] = 0;
}

void place_with_capacity(std::span<const std::int32_t> expert, std::int64_t top_k,
                         std::int64_t experts, std::int64_t capacity, Slots& slots) {
  const auto n = static_cast<std::int64_t>(expert.size());
  std::fill_n(slots.token.begin(), experts * capacity, Slots::kEmpty);
  for (std::int64_t e = 0; e < experts; ++e) {
    slots.begin[e] = static_cast<std::int32_t>(e * capacity);
  }
  for (std::int64_t k = 0; k < top_k; ++k) {
    for (std::int64_t a = k; a < n; a += top_k) {
      const std::int32_t e = expert[a];
      const bool full = slots.begin[e] == (e + 1) * capacity;
      slots.of_assignment[a] = full ? Slots::kDropped : slots.begin[e]++;
      if (!full) slots.token[slots.of_assignment[a]] = static_cast<std::int32_t>(a / top_k);
    }
  }
  for (std::int64_t e = 0; e <= experts; ++e) {
    slots.begin[e] = static_cast<std::int32_t>(e * capacity);
  }
}

}  // namespace moe
