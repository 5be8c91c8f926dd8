// The height of a tile is chosen for each expert: full tiles of 128 rows are multiplied by wgmma, a
// last one of at most 64 rows in steps of 16 by mma.sync, all out of one queue in one launch. Meant
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
    .summary =
        "Tiles of 128 rows on wgmma, short remainders in steps of 16 on mma.sync, in one launch.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = [](const MoeShape& shape) { return unsupported_grouped(kPlan, shape); },
    .make = [] { return make_grouped(kPlan); },
    .execution = {.host_syncs = 0, .graph = true, .repeatable = true},
};

}  // namespace moe::cuda
