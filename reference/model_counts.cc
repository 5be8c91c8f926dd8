#include "reference/model_counts.h"

#include "reference/checkpoint.h"

namespace moe::reference {
namespace {

std::string part_of(TensorRole role) {
  switch (role) {
    case TensorRole::kEmbedding:
      return "embedding";
    case TensorRole::kNorm:
      return "norms";
    case TensorRole::kAttention:
    case TensorRole::kAttentionBias:
      return "attention";
    case TensorRole::kRouter:
      return "router";
    case TensorRole::kRoutedExpert:
      return "routed experts";
    case TensorRole::kSharedExpert:
    case TensorRole::kSharedExpertGate:
      return "shared expert";
    case TensorRole::kDenseFfn:
      return "dense feed-forward";
    case TensorRole::kHead:
      return "heads";
  }
  return "";
}

// The numbers the two configs spell differently.
struct Dimensions {
  std::int64_t layers, heads, kv_heads, head_dim, experts, top_k;
  TensorType type;
};
Dimensions dimensions(const TimeMoeConfig& c) {
  return {c.num_hidden_layers, c.num_attention_heads, c.num_key_value_heads, c.head_dim(),
          c.num_experts,       c.num_experts_per_tok, c.torch_dtype};
}
Dimensions dimensions(const MixtralConfig& c) {
  return {c.num_hidden_layers, c.num_attention_heads, c.num_key_value_heads, c.head_dim,
          c.num_local_experts, c.num_experts_per_tok, c.torch_dtype};
}

}  // namespace

ModelCounts count_model(const ModelConfig& config) {
  const Dimensions d = std::visit([](const auto& c) { return dimensions(c); }, config);
  ModelCounts n;
  std::int64_t routed = 0;  // weights of all routed experts
  for (const WeightTensor& t : weight_tensors(config)) {
    const std::int64_t weights = t.elements();
    n.tensors += 1;
    n.parameters += weights;
    n.parameters_by_part[part_of(t.role)] += weights;
    if (t.role == TensorRole::kRoutedExpert) {
      routed += weights;
    } else if (t.role == TensorRole::kHead) {
      n.head_flops_per_token += 2 * weights;
    } else if (t.role != TensorRole::kEmbedding && t.shape.size() == 2) {
      n.layer_flops_per_token += 2 * weights;
    }
  }
  const std::int64_t visited = routed / d.experts * d.top_k;
  n.active_parameters = n.parameters - routed + visited;
  n.routed_flops_per_token = 2 * visited;
  n.layer_flops_per_token += n.routed_flops_per_token;
  const auto bytes = static_cast<std::int64_t>(element_bytes(d.type));
  n.checkpoint_bytes = n.parameters * bytes;
  n.kv_bytes_per_token = 2 * d.kv_heads * d.head_dim * d.layers * bytes;
  n.attention_flops_per_token_and_key = 2 * 2 * d.heads * d.head_dim * d.layers;
  return n;
}

}  // namespace moe::reference
