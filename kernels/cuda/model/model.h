// Time-MoE, Mixtral and their like as one decoder on the device, with a strategy of this backend
// for the routed experts of each layer.
#pragma once
#include <memory>

#include "kernels/contract/device_model.h"

namespace moe::cuda {

// As moe::make_device_model, which calls it.
std::unique_ptr<DeviceModel> make_model(const DecoderDescription& decoder,
                                        const DecoderLimits& limits, const StrategyInfo& strategy);

}  // namespace moe::cuda
