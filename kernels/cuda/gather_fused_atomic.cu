// Nothing is permuted at either end: the first product picks the rows of x by index, the second one
// adds its weighted rows to y by atomic additions. The fewest bytes of all; but the order of the
// additions, and with it the last bits of y, changes from run to run.
#include "kernels/cuda/detail/grouped_strategy.h"

namespace moe::cuda {
namespace {

constexpr GroupedPlan kPlan{.input = GroupedPlan::Input::kGathered,
                            .output = GroupedPlan::Output::kAtomicAdd};

}  // namespace

extern const StrategyInfo gather_fused_atomic;
const StrategyInfo gather_fused_atomic{
    .name = "gather-fused-atomic",
    .backend = Backend::kCuda,
    .summary = "Both products index the tokens themselves; sums by atomic additions.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = [](const MoeShape& shape) { return unsupported_grouped(kPlan, shape); },
    .make = [] { return make_grouped(kPlan); },
    .execution = {.host_syncs = 0, .graph = true, .repeatable = false},
};

}  // namespace moe::cuda
