#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "reference/mixtral.h"
#include "reference/model_config.h"
#include "reference/tensor_source.h"
#include "reference/time_moe.h"

namespace moe::reference {

// A model folder: config.json and model.safetensors, or its shards and
// model.safetensors.index.json, under the published tensor names, in BF16, F16 or F32.

using Model = std::variant<TimeMoe, Mixtral>;

// Every tensor of a model, in no particular order, without making any.
std::vector<WeightTensor> weight_tensors(const ModelConfig& config);

// The folder's weights file, or nothing where it has none.
std::optional<std::filesystem::path> weights_file(const std::filesystem::path& folder);

// Reads the whole model as float. Missing, misshapen, integer and surplus tensors are UserErrors.
Model load_model(const std::filesystem::path& folder);

// Writes folder/model.safetensors in config.torch_dtype, a tensor at a time, and config.json with
// the text of `config_file`. Never replaces weights: UserError where the folder has some.
void write_model(const std::filesystem::path& folder, const std::filesystem::path& config_file,
                 const TensorSource& weights);

}  // namespace moe::reference
