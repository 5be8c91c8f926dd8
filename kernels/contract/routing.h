#pragma once
#include <cstdint>
#include <variant>
#include <vector>

#include "kernels/contract/shape.h"

namespace moe {

// Who goes where: a sparse [tokens x experts] matrix, row by row. Within a row the experts stand in
// selection order: heavier first, equal weights by ascending expert.
// Every strategy hands one back. The reference, the judge and the load figures read nothing else.
// Strategies weigh in float; the double precision reference keeps its weights in double.
template <class Real>
struct BasicRouting {
  std::vector<std::int32_t> offsets{};  // [tokens + 1]
  std::vector<std::int32_t> expert{};   // [assignments]
  std::vector<Real> weight{};           // [assignments]

  std::int64_t tokens() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  std::int64_t assignments() const { return static_cast<std::int64_t>(expert.size()); }
  bool operator==(const BasicRouting&) const = default;
};
using Routing = BasicRouting<float>;

// How a number of tokens per expert is made whole. Libraries differ (specs: DeepSpeed and Megatron
// round up, flaxformer to the nearest), so it is a choice and not an accident.
enum class Rounding : std::uint8_t { kCeil, kFloor, kNearest };

// Whose assignment is kept when an expert is full. In both orders every token's first choice is
// served before any token's second (GShard, arXiv 2006.16668).
enum class DropOrder : std::uint8_t {
  kPosition,  // tokens as they come: the late ones are dropped
  kPriority,  // tokens by their highest probability: the undecided are dropped (V-MoE's BPR)
};

// Ties go to the lower expert, and between tokens to the lower token, so that all can agree.

// Each token takes its top K experts; nothing is dropped.
struct TokenChoice {};

// The same, until an expert holds capacity() tokens.
struct TokenChoiceCapped {
  double factor = 1.25;
  DropOrder order = DropOrder::kPosition;
  Rounding rounding = Rounding::kCeil;
};

// Each expert takes the capacity() tokens that like it most (Zhou et al., arXiv 2202.09368).
struct ExpertChoice {
  double factor = 1.0;
  Rounding rounding = Rounding::kNearest;
};

// Token choice, but the tokens of each expert are rounded to a multiple of `tile`, the rows that a
// kernel multiplies at once (SonicMoE, arXiv 2512.14080). Where too many chose an expert, it leaves
// out those that like it least; where too few, it also takes those that like it most of the others.
// A token's weights have the denominator of its own K, whoever takes it.
struct TokenRounding {
  std::int64_t tile = 14;
  Rounding rounding = Rounding::kNearest;
};

using RoutingPolicy = std::variant<TokenChoice, TokenChoiceCapped, ExpertChoice, TokenRounding>;

// The most tokens one expert takes: factor * K * T / E made whole, at least 1 and at most T.
std::int64_t capacity(const MoeShape& shape, double factor, Rounding rounding);

// What token rounding makes of `count` tokens of one expert: a multiple of the tile, halves rounded
// up, or all tokens there are.
std::int64_t rounded_count(const TokenRounding& policy, std::int64_t count, std::int64_t tokens);

// Where the assignments of each expert begin in an expert-major order: [experts + 1].
std::vector<std::int32_t> expert_offsets(const Routing& routing, std::int64_t experts);

}  // namespace moe
