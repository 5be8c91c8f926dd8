// Sort the assignments by expert (a counting sort on the device), permute the tokens into that
// order, run all experts as two grouped products, and sum each token's K rows back, weighted. The
// copy of T * K rows buys products that read forward; each token's output is written once, in a
// fixed order. Nothing waits for the host.
#include "kernels/cuda/detail/grouped_strategy.h"

namespace moe::cuda {
namespace {

constexpr GroupedPlan kPlan{};

}  // namespace

extern const StrategyInfo sort_and_group;
const StrategyInfo sort_and_group{
    .name = "sort-and-group",
    .backend = Backend::kCuda,
    .summary = "Counting sort by expert, permute, two grouped products, gather and sum.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = [](const MoeShape& shape) { return unsupported_grouped(kPlan, shape); },
    .make = [] { return make_grouped(kPlan); },
    .execution = {.host_syncs = 0, .graph = true, .repeatable = true},
};

}  // namespace moe::cuda
