// No permuted copy of the tokens: the first product picks the rows of x by index while it loads
// them. Saves writing and reading T * K rows; pays with loads that jump from row to row.
#include "kernels/cuda/detail/grouped_strategy.h"

namespace moe::cuda {
namespace {

constexpr GroupedPlan kPlan{.input = GroupedPlan::Input::kGathered};

}  // namespace

extern const StrategyInfo gather_fused;
const StrategyInfo gather_fused{
    .name = "gather-fused",
    .backend = Backend::kCuda,
    .summary = "The first product gathers the tokens itself: no permuted copy.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = [](const MoeShape& shape) { return unsupported_grouped(kPlan, shape); },
    .make = [] { return make_grouped(kPlan); },
    .execution = {.host_syncs = 0, .graph = true, .repeatable = true},
};

}  // namespace moe::cuda
