#pragma once
#include <string>

namespace moe::cli {

// What a model folder holds: parameters, work and memory by its config.json, and the tensors of its
// weights, checked against the config. A folder without weights is counted all the same.
void print_model_info(const std::string& folder, bool json);

}  // namespace moe::cli
