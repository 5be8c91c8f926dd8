#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "reference/model_config.h"

namespace moe::reference {

// How large a model is and how much work a token makes, by its config alone.
struct ModelCounts {
  std::map<std::string, std::int64_t> parameters_by_part{};  // part's name -> weights
  std::int64_t parameters = 0;
  std::int64_t active_parameters = 0;  // of all but the routed experts a token does not visit;
                                       // both embeddings of a language model count
  std::int64_t tensors = 0;
  std::int64_t checkpoint_bytes = 0;    // of the weights, in config.torch_dtype
  std::int64_t kv_bytes_per_token = 0;  // keys and values of all layers, in config.torch_dtype
  // Multiply-adds are two FLOPs. The linear layers of all decoder layers for one token; embeddings
  // and heads apart.
  std::int64_t layer_flops_per_token = 0;
  std::int64_t routed_flops_per_token = 0;             // the routed experts' share of those
  std::int64_t head_flops_per_token = 0;               // all horizon heads, or the words' logits
  std::int64_t attention_flops_per_token_and_key = 0;  // times the keys a token looks at
};

ModelCounts count_model(const ModelConfig& config);

}  // namespace moe::reference
