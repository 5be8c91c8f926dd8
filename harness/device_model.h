#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/contract/device_model.h"
#include "reference/mixtral.h"
#include "reference/time_moe.h"

namespace moe::harness {

// The reference's models on the device. A description points into the model: it has to outlive it.
DecoderDescription describe(const reference::TimeMoe& model);
DecoderDescription describe(const reference::Mixtral& model);

// The CUDA strategy of that name, with or without its backend. Throws UserError with the nearest
// name there is.
const StrategyInfo& find_device_strategy(const std::string& name);

// What the last pass of a model with these sizes left behind. A router logit that is not finite is
// a UserError, as in reference::run_experts.
reference::DecoderOutput<float> last_pass(DeviceModel& device, const DecoderDescription& decoder);

// As time_moe_generate and mixtral_generate, from an empty cache of context + new tokens a
// sequence.
reference::Forecast<float> generate(DeviceModel& device, const reference::TimeMoe& model,
                                    const reference::Matrix<float>& context,
                                    const std::vector<std::int64_t>& mask, std::int64_t new_points);
std::vector<std::int64_t> generate(DeviceModel& device, const reference::Mixtral& model,
                                   const std::vector<std::int64_t>& prompt, std::int64_t batch,
                                   const std::vector<std::int64_t>& mask, std::int64_t new_tokens);

}  // namespace moe::harness
