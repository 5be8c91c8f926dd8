#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "reference/io/safetensors.h"

namespace moe::reference {

// What config.json says of a model, under the published field names. Class defaults of the
// published code differ from every released model, so what shapes a model has to be in the file.

// Time-MoE, https://github.com/Time-MoE/Time-MoE (arXiv 2409.16040).
struct TimeMoeConfig {
  std::int64_t input_size = 1;
  std::int64_t hidden_size = 0;        // H
  std::int64_t intermediate_size = 0;  // I: width of the shared expert and of the dense variant
  std::int64_t moe_intermediate_size =
      0;  // of one routed expert; published files leave it to I / K
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t num_experts = 0;                 // E
  std::int64_t num_experts_per_tok = 0;         // K
  std::vector<std::int64_t> horizon_lengths{};  // ascending
  double rms_norm_eps = 0;
  double rope_theta = 0;
  bool use_dense = false;
  bool apply_aux_loss = true;  // always the opposite of use_dense
  double router_aux_loss_factor = 0.02;
  double initializer_range = 0.02;
  TensorType torch_dtype = TensorType::kF32;

  std::int64_t head_dim() const { return hidden_size / num_attention_heads; }
};

// Mixtral (arXiv 2401.04088), as published on the Hugging Face hub.
struct MixtralConfig {
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;        // H
  std::int64_t intermediate_size = 0;  // F: width of one expert
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;             // published files leave it to H / heads
  std::int64_t num_local_experts = 0;    // E
  std::int64_t num_experts_per_tok = 0;  // K
  double rms_norm_eps = 0;
  double rope_theta = 0;
  double router_aux_loss_coef = 0.02;
  double initializer_range = 0.02;
  TensorType torch_dtype = TensorType::kF32;
};

using ModelConfig = std::variant<TimeMoeConfig, MixtralConfig>;

// Reads config.json. Fields that do not touch the computation are passed over; a key that is almost
// a known one is not. Throws UserError with file, line and the nearest right thing.
ModelConfig read_model_config(const std::filesystem::path& config_json);
ModelConfig parse_model_config(const std::string& text, const std::string& name);

}  // namespace moe::reference
