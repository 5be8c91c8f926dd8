// gather-fused with the products of wgmma-sort-and-group. Tensor copies cannot gather rows, so the
// tiles of x are loaded row by row: whether that costs more than the permuted copy is the question.
#include "kernels/cuda/detail/grouped_strategy.h"

namespace moe::cuda {
namespace {

constexpr GroupedPlan kPlan{
    .input = GroupedPlan::Input::kGathered,
    .kernel = [](const MoeShape&, std::int64_t) { return ProductKernel::kWgmma; }};

}  // namespace

extern const StrategyInfo wgmma_gather;
const StrategyInfo wgmma_gather{
    .name = "wgmma-gather",
    .backend = Backend::kCuda,
    .summary = "As gather-fused, multiplied by wgmma in tiles of 128 rows.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = [](const MoeShape& shape) { return unsupported_grouped(kPlan, shape); },
    .make = [] { return make_grouped(kPlan); },
    .execution = {.host_syncs = 0, .graph = true, .repeatable = true},
};

}  // namespace moe::cuda
