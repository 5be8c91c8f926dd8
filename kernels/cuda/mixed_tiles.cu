// The height of a tile is chosen for each expert: experts with many rows are multiplied in tiles of
// 128 by wgmma, the others in tiles of 16 by mma.sync, all out of one queue in one launch. Meant
// for skewed loads, where one height is wrong for most experts.
#include "kernels/cuda/detail/grouped_strategy.h"

namespace moe::cuda {
namespace {

constexpr GroupedPlan kPlan{
    .kernel = [](const MoeShape&, std::int64_t) { return ProductKernel::kMixed; }};

}  // namespace

extern const StrategyInfo mixed_tiles;
const StrategyInfo mixed_tiles{
    .name = "mixed-tiles",
    .backend = Backend::kCuda,
    .summary = "Tiles of 128 rows for busy experts and of 16 for the others, in one launch.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = [](const MoeShape& shape) { return unsupported_grouped(kPlan, shape); },
    .make = [] { return make_grouped(kPlan); },
    .execution = {.host_syncs = 0, .graph = true, .repeatable = true},
};

}  // namespace moe::cuda
