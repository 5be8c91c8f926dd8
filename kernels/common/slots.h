#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace moe {

// Where every assignment of a token-choice routing stands in expert-major order, and back.
// "Slot": a row of the expert-major buffers.
struct Slots {
  std::vector<std::int32_t> of_assignment;  // [T * K] -> slot, or kDropped
  std::vector<std::int32_t> token;          // [slots] -> token, or kEmpty
  std::vector<std::int32_t> begin;  // [E + 1]: slots of expert e are begin[e] .. begin[e + 1]

  static constexpr std::int32_t kDropped = -1;
  static constexpr std::int32_t kEmpty = -1;
};

// Counting sort by expert, stable: the slots of an expert are in token order. Nothing is dropped.
// expert: [T * K]. The vectors must have room already: nothing is allocated.
void place_by_expert(std::span<const std::int32_t> expert, std::int64_t top_k, std::int64_t experts,
                     Slots& slots);

// Every expert gets exactly `capacity` slots. All tokens' first choices are placed before any
// token's second; what finds its expert full is dropped, what stays free is empty.
void place_with_capacity(std::span<const std::int32_t> expert, std::int64_t top_k,
                         std::int64_t experts, std::int64_t capacity, Slots& slots);

}  // namespace moe
