#include <algorithm>
#include <array>

#include "kernels/contract/error.h"
#include "kernels/cuda/model/attention.h"
#include "kernels/cuda/model/weights.h"

namespace moe::cuda {
namespace {

void require(bool right, const std::string& what) {
  if (!right) throw UserError("a model on the device: " + what);
}

void require_size(std::span<const float> values, std::int64_t expected, const std::string& what) {
  require(static_cast<std::int64_t>(values.size()) == expected,
          what + " has " + std::to_string(values.size()) + " numbers, expected " +
              std::to_string(expected));
}

void check_layer(const DecoderDescription& d, const DecoderLayer& l) {
  const std::int64_t h = d.hidden, q = d.heads * d.head_dim, kv = d.kv_heads * d.head_dim;
  require_size(l.input_norm, h, "the norm before attention");
  require_size(l.query, q * h, "the query matrix");
  require_size(l.key, kv * h, "the key matrix");
  require_size(l.value, kv * h, "the value matrix");
  require_size(l.output, h * q, "attention's output matrix");
  require_size(l.post_attention_norm, h, "the norm after attention");
  if (!l.query_bias.empty()) {
    require_size(l.query_bias, q, "the query bias");
    require_size(l.key_bias, kv, "the key bias");
    require_size(l.value_bias, kv, "the value bias");
  }
  if (l.experts != nullptr) require_size(l.router, d.experts.experts * h, "the router");
  if (!l.shared_gate.empty()) require_size(l.shared_gate, h, "the shared expert's gate");
  const FfnWeights& f = l.ffn;
  require(f.width % 8 == 0, "a width of " + std::to_string(f.width) +
                                " of a dense or shared expert, expected a multiple of 8");
  require_size(f.gate, f.width * h, "a gate matrix");
  require_size(f.up, f.width * h, "an up matrix");
  require_size(f.down, f.width * h, "a down matrix");
  require(l.experts != nullptr || f.width > 0, "a layer has neither experts nor a dense part");
  require(l.experts != nullptr || l.shared_gate.empty(),
          "a dense layer has a shared expert's gate");
  require(l.experts == nullptr || f.width == 0 || !l.shared_gate.empty(),
          "a shared expert without its gate");
}

std::unique_ptr<Strategy> prepare_experts(const DecoderDescription& d, const DecoderLayer& l,
                                          const DecoderLimits& limits,
                                          const StrategyInfo& strategy) {
  MoeShape shape = d.experts;
  shape.tokens = limits.tokens;
  shape.hidden = d.hidden;
  shape.dtype = limits.dtype;
  if (const auto reason = strategy.unsupported(shape)) {
    throw UserError("strategy \"" + full_name(strategy) +
                    "\" does not support this model's layers: " + *reason);
  }
  auto made = strategy.make();
  if (limits.dtype == DType::kF32) {
    made->prepare({.shape = shape, .weights = l.experts});
  } else {
    const ExpertWeights rounded{rounded_to(limits.dtype, l.experts->gate),
                                rounded_to(limits.dtype, l.experts->up),
                                rounded_to(limits.dtype, l.experts->down)};
    made->prepare({.shape = shape, .weights = &rounded});
  }
  return made;
}

LayerWeights upload_layer(const DecoderDescription& d, const DecoderLayer& l,
                          const DecoderLimits& limits, const StrategyInfo& strategy) {
  using Blocks = std::vector<std::span<const float>>;
  const std::int64_t q_width = d.heads * d.head_dim;
  LayerWeights w;
  w.input_norm = upload(l.input_norm);
  w.query_key_value = upload_matrix(Blocks{l.query, l.key, l.value}, d.hidden, limits.dtype);
  std::vector<float> bias;
  for (const auto& part : {l.query_bias, l.key_bias, l.value_bias}) {
    bias.insert(bias.end(), part.begin(), part.end());
  }
  w.query_key_value_bias = upload(bias);
  w.output = upload_matrix(Blocks{l.output}, q_width, limits.dtype);
  w.post_attention_norm = upload(l.post_attention_norm);
  w.has_shared_gate = !l.shared_gate.empty();
  if (l.experts != nullptr) {
    w.router = upload_matrix(Blocks{l.router, l.shared_gate}, d.hidden, DType::kF32);
    w.experts = prepare_experts(d, l, limits, strategy);
  }
  if (l.ffn.width > 0) {
    w.gate_up = upload_gate_up(l.ffn.gate, l.ffn.up, d.hidden, limits.dtype);
    w.down = upload_matrix(Blocks{l.ffn.down}, l.ffn.width, limits.dtype);
  }
  return w;
}

std::int64_t bytes_of(const LayerWeights& w) {
  return w.input_norm.bytes() + w.query_key_value.values.bytes() + w.query_key_value_bias.bytes() +
         w.output.values.bytes() + w.post_attention_norm.bytes() + w.router.values.bytes() +
         w.gate_up.values.bytes() + w.down.values.bytes();
}

}  // namespace

void check_decoder(const DecoderDescription& d, const DecoderLimits& limits) {
  const auto n = [](std::int64_t value) { return std::to_string(value); };
  require(limits.dtype == DType::kF32 || limits.dtype == DType::kBf16,
          "dtype " + std::string(to_string(limits.dtype)) + ", expected f32 or bf16");
  require(limits.batch > 0 && limits.length > 0 && limits.tokens >= limits.batch,
          "a batch of " + n(limits.batch) + " sequences of at most " + n(limits.length) +
              " tokens, " + n(limits.tokens) + " in one pass, expected one token of each at least");
  require(d.hidden > 0 && d.hidden % 8 == 0,
          "a hidden size of " + n(d.hidden) + ", expected a multiple of 8");
  require(d.kv_heads > 0 && d.heads % d.kv_heads == 0,
          n(d.heads) + " query heads and " + n(d.kv_heads) + " of keys, expected a multiple");
  require(d.head_dim > 0 && d.head_dim % 4 == 0 && d.head_dim <= kMostHeadDim,
          "heads of width " + n(d.head_dim) + ", expected a multiple of 4 up to 128");
  require(d.heads * d.head_dim % 8 == 0,
          "heads of width " + n(d.heads * d.head_dim) + " together, expected a multiple of 8");
  require(!d.embed.empty() && static_cast<std::int64_t>(d.embed.size()) % d.hidden == 0,
          "an embedding of " + std::to_string(d.embed.size()) + " numbers");
  if (d.channels > 0) {
    require_size(d.embed, d.hidden * d.channels, "the embedding");
    require_size(d.embed_gate, d.hidden * d.channels, "the embedding's gate");
  }
  for (const DecoderLayer& l : d.layers) check_layer(d, l);
  require_size(d.norm, d.hidden, "the last norm");
  for (const auto& head : d.heads_out) {
    require(!head.empty() && static_cast<std::int64_t>(head.size()) % d.hidden == 0,
            "a head of " + std::to_string(head.size()) + " numbers");
  }
}

ModelWeights upload_model(const DecoderDescription& d, const DecoderLimits& limits,
                          const StrategyInfo& strategy) {
  ModelWeights w;
  w.embed = upload(d.embed);
  w.embed_gate = upload(d.embed_gate);
  w.norm = upload(d.norm);
  w.bytes = w.embed.bytes() + w.embed_gate.bytes() + w.norm.bytes();
  for (const DecoderLayer& l : d.layers) {
    w.layers.push_back(upload_layer(d, l, limits, strategy));
    w.bytes += bytes_of(w.layers.back());
  }
  for (const auto& head : d.heads_out) {
    w.heads.push_back(upload_matrix(std::array{head}, d.hidden, limits.dtype));
    w.bytes += w.heads.back().values.bytes();
  }
  return w;
}

}  // namespace moe::cuda
