// For the few tokens of step-by-step generation: the operands change places, so that the tall side
// of the tensor cores is filled by columns of the weights and not by rows that are not there.
// Nearly all bytes moved are weights.
#include "kernels/cuda/detail/grouped_strategy.h"

namespace moe::cuda {
namespace {

constexpr GroupedPlan kPlan{
    .input = GroupedPlan::Input::kGathered,
    .kernel = [](const MoeShape&, std::int64_t) { return ProductKernel::kSwapped; }};

constexpr std::int64_t kMostTokens = 16;

std::optional<std::string> unsupported(const MoeShape& shape) {
  if (shape.tokens <= kMostTokens) return unsupported_grouped(kPlan, shape);
  return "at most 16 tokens are decoded at once, not " + std::to_string(shape.tokens);
}

}  // namespace

extern const StrategyInfo decode;
const StrategyInfo decode{
    .name = "decode",
    .backend = Backend::kCuda,
    .summary = "For up to 16 tokens: weights on the tall side of the tensor cores.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = unsupported,
    .make = [] { return make_grouped(kPlan); },
    .execution = {.host_syncs = 0, .graph = true, .repeatable = true},
};

}  // namespace moe::cuda
