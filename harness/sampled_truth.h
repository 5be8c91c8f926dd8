#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/validate.h"
#include "harness/workload.h"
#include "reference/error_bound.h"

// The judge of outputs that came from a program that is not ours.
namespace moe::harness {

// What such a program may keep in the dtype besides what roundings_of() allows every strategy, by
// name: products, silu, weights, weighted, partial, result (reference/error_bound.h).
std::vector<std::string> rounding_names();

// roundings_of(dtype) and those of `names` on top. In f32 and tf32 they add nothing: all of these
// are sums and products in f32 there. Throws UserError for an unknown name.
reference::Roundings with_roundings(DType dtype, std::span<const std::string> names);

// The exact output of a workload's own routing for some of its tokens. The reference of a whole
// layer of a large model takes minutes; a wrong program is wrong in more than a few tokens.
class SampledTruth {
 public:
  // At most `most` tokens, evenly spread from the first on.
  SampledTruth(const Workload& work, std::int64_t most);

  const std::vector<std::int64_t>& tokens() const { return tokens_; }

  // y: [T, H] of the whole workload. All of it must be finite, the tokens of the sample within the
  // bound. Sets worst_error, worst_token (of the workload), bound, zero_rows and fault.
  Validation judge(std::span<const float> y, const reference::Roundings& roundings);

 private:
  Workload sample_;
  std::vector<std::int64_t> tokens_;
  Routing routing_;
  Truth::Layer layer_;
  reference::Roundings of_bound_{};
};

}  // namespace moe::harness
