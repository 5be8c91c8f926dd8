// The same as sort-and-group, but the grouping is a radix sort of a general library (CUB), as
// MegaBlocks do it. It takes more launches than a counting sort made for few keys; how much that
// costs is the question.
#include "kernels/cuda/detail/grouped_strategy.h"

namespace moe::cuda {
namespace {

constexpr GroupedPlan kPlan{.grouping = GroupingMethod::kRadixSort};

}  // namespace

extern const StrategyInfo radix_sort_and_group;
const StrategyInfo radix_sort_and_group{
    .name = "radix-sort-and-group",
    .backend = Backend::kCuda,
    .summary = "As sort-and-group, grouped by the radix sort of a library.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = [](const MoeShape& shape) { return unsupported_grouped(kPlan, shape); },
    .make = [] { return make_grouped(kPlan); },
    .execution = {.host_syncs = 0, .graph = true, .repeatable = true},
};

}  // namespace moe::cuda
