#pragma once
#include "kernels/contract/strategy.h"
#include "reference/routed_experts.h"

namespace moe::harness {

// A strategy inside a whole model: one instance a layer, prepared when that layer first runs and
// again when a pass has more tokens than any before it. The model then computes with the routing
// and output the strategy really made. The rest of the model is the reference's, on the CPU; a
// strategy of a device gets its tokens there and back. Throws UserError where the strategy's device
// is not there or it does not support the model's layers.
reference::RoutedExperts<float> strategy_experts(const StrategyInfo& strategy);

// The CPU strategy of that name, or the one of that full name (sort-and-group@cuda). Throws
// UserError with the nearest name there is.
const StrategyInfo& find_model_strategy(const std::string& name);

}  // namespace moe::harness
