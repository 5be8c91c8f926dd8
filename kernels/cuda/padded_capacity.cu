// Every expert gets a buffer of the same height: [E, C] rows. What does not fit is dropped, what
// stays free is zeros and is multiplied all the same. Shapes never depend on the routing; the price
// is work on padding when the load is uneven and lost tokens when it is more uneven than the
// capacity allows.
#include "kernels/cuda/detail/grouped_strategy.h"

namespace moe::cuda {
namespace {

constexpr GroupedPlan kPlan{.layout = GroupedPlan::Layout::kCapacity};

}  // namespace

extern const StrategyInfo padded_capacity;
const StrategyInfo padded_capacity{
    .name = "padded-capacity",
    .backend = Backend::kCuda,
    .summary =
        "One buffer of equal height per expert; what overflows is dropped, the rest is padding.",
    .policy = [](const Knobs& knobs) -> RoutingPolicy { return capped_policy(knobs); },
    .unsupported = [](const MoeShape& shape) { return unsupported_grouped(kPlan, shape); },
    .make = [] { return make_grouped(kPlan); },
    .execution = {.host_syncs = 0, .graph = true, .repeatable = true},
};

}  // namespace moe::cuda
