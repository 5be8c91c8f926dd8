#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/contract/shape.h"

namespace moe::harness {

// The MoE layer of a published model, or a small one of our own (shapes.json). What a source does
// not say is absent. moebench runs the routed experts, as SwiGLU, behind a softmax router; where a
// model differs, `routing` and `note` say how.
struct ModelShape {
  std::string name;                    // mixtral-8x7b
  MoeShape shape;                      // tokens: 0; renormalize: true where nobody says
  std::optional<std::int64_t> layers;  // those with experts
  std::string shared;                  // the shared experts: "1 x 1536, sigmoid gate"
  std::string routing;                 // the model's own
  std::string source;
  bool verified;     // read in the model's own configuration or code, not in another's table
  std::string note;  // what a user of these numbers should know
};

// In the order of shapes.json: published models first, then ours.
std::span<const ModelShape> model_shapes();

// Throws UserError naming the nearest one when there is none.
const ModelShape& model_shape(std::string_view name);

// One shape by its name or written out: `H=64,F=96,E=8,K=2`, with `,all` behind it where weights
// are the softmax over all experts (renormalize = false). shape_text is the inverse of the latter.
MoeShape parse_shape(std::string_view text);
std::string shape_text(const MoeShape& shape);

// The most anything of a shape may be: larger numbers are slips.
inline constexpr std::int64_t kMostTokens = 1 << 20;
inline constexpr std::int64_t kMostHidden = 1 << 16;
inline constexpr std::int64_t kMostFfn = 1 << 20;
inline constexpr std::int64_t kMostExperts = 1 << 12;

}  // namespace moe::harness
