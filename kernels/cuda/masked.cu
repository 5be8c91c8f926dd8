// Every expert has room for all tokens: [E, T] rows, of which only those in use are copied and
// multiplied. Nothing is dropped and no row's place depends on the load of another expert, so the
// layout suits recorded graphs and experts on other devices; the price is memory.
#include "kernels/cuda/detail/grouped_strategy.h"

namespace moe::cuda {
namespace {

constexpr GroupedPlan kPlan{.layout = GroupedPlan::Layout::kMasked};

}  // namespace

extern const StrategyInfo masked;
const StrategyInfo masked{
    .name = "masked",
    .backend = Backend::kCuda,
    .summary = "Room for all tokens at every expert; rows in use are counted on the device.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = [](const MoeShape& shape) { return unsupported_grouped(kPlan, shape); },
    .make = [] { return make_grouped(kPlan); },
    .execution = {.host_syncs = 0, .graph = true, .repeatable = true},
};

}  // namespace moe::cuda
