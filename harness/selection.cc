#include "harness/selection.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <numeric>

namespace moe::harness {

static_assert(std::endian::native == std::endian::little, "hashes are over little-endian bytes");

std::vector<std::int32_t> top_k_ids(MatrixView<const float> logits, std::int64_t top_k) {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(logits.rows * top_k));
#pragma omp parallel for schedule(static)
  for (std::int64_t t = 0; t < logits.rows; ++t) {
    const auto g = logits.row(t);
    std::vector<std::int32_t> order(g.size());
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + top_k, order.end(),
                      [&](int a, int b) { return g[a] != g[b] ? g[a] > g[b] : a < b; });
    std::copy_n(order.begin(), top_k, ids.begin() + t * top_k);
  }
  return ids;
}

std::string routing_hash(std::span<const std::int32_t> ids, std::span<const float> logits) {
  const std::unique_ptr<XXH64_state_t, decltype(&XXH64_freeState)> state(XXH64_createState(),
                                                                         XXH64_freeState);
  XXH64_reset(state.get(), 0);
  XXH64_update(state.get(), ids.data(), ids.size_bytes());
  XXH64_update(state.get(), logits.data(), logits.size_bytes());
  return fmt::format("{:016x}", XXH64_digest(state.get()));
}

}  // namespace moe::harness
