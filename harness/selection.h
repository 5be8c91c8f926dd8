#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/contract/matrix.h"

namespace moe::harness {

// The ids of the `top_k` largest logits of every row, [T, K], largest first, ties to the lower id:
// what dropless token choice selects. logits: [T, E], top_k <= E.
std::vector<std::int32_t> top_k_ids(MatrixView<const float> logits, std::int64_t top_k);

// 16 hex digits that name a routing: XXH64 (seed 0) over the ids as little-endian i32, then the
// logits as little-endian f32.
std::string routing_hash(std::span<const std::int32_t> ids, std::span<const float> logits);

}  // namespace moe::harness
