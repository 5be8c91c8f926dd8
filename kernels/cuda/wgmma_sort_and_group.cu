// sort-and-group with the widest products of sm_90: tensor copies fill a ring of tiles, two warp
// groups multiply tiles of 128 rows by wgmma. For many rows an expert.
#include "kernels/cuda/detail/grouped_strategy.h"

namespace moe::cuda {
namespace {

constexpr GroupedPlan kPlan{
    .kernel = [](const MoeShape&, std::int64_t) { return ProductKernel::kWgmma; }};

}  // namespace

extern const StrategyInfo wgmma_sort_and_group;
const StrategyInfo wgmma_sort_and_group{
    .name = "wgmma-sort-and-group",
    .backend = Backend::kCuda,
    .summary = "As sort-and-group, multiplied by wgmma in tiles of 128 rows.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = [](const MoeShape& shape) { return unsupported_grouped(kPlan, shape); },
    .make = [] { return make_grouped(kPlan); },
    .execution = {.host_syncs = 0, .graph = true, .repeatable = true},
};

}  // namespace moe::cuda
