#include "harness/device_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

DecoderLayer describe_attention(const std::vector<float>& input_norm,
                                const reference::AttentionWeights& attention,
                                const std::vector<float>& post_attention_norm) {
  DecoderLayer l;
  l.input_norm = input_norm;
  l.query = attention.query.weight;
  l.key = attention.key.weight;
  l.value = attention.value.weight;
  l.query_bias = attention.query.bias;
  l.key_bias = attention.key.bias;
  l.value_bias = attention.value.bias;
  l.output = attention.output.weight;
  l.post_attention_norm = post_attention_norm;
  return l;
}

FfnWeights describe_ffn(const reference::Swiglu& ffn) {
  return {ffn.gate.out, ffn.gate.weight, ffn.up.weight, ffn.down.weight};
}

// [T, E]
void require_finite(std::size_t layer, const reference::Matrix<float>& logits) {
  const auto bad = std::ranges::find_if(logits.values, [](float x) { return !std::isfinite(x); });
  if (bad == logits.values.end()) return;
  const std::int64_t at = bad - logits.values.begin();
  throw UserError("layer " + std::to_string(layer) + ": the router's logit of token " +
                  std::to_string(at / logits.cols) + " for expert " +
                  std::to_string(at % logits.cols) + " is " + std::to_string(*bad) +
                  ", expected a finite number: the weights or the input overflow");
}

}  // namespace

DecoderDescription describe(const reference::TimeMoe& m) {
  const reference::TimeMoeConfig& c = m.config;
  DecoderDescription d;
  d.hidden = c.hidden_size;
  d.heads = c.num_attention_heads;
  d.kv_heads = c.num_key_value_heads;
  d.head_dim = c.head_dim();
  d.rope_theta = c.rope_theta;
  d.norm_eps = c.rms_norm_eps;
  d.experts = {.hidden = c.hidden_size,
               .ffn = c.moe_intermediate_size,
               .experts = c.num_experts,
               .top_k = c.num_experts_per_tok,
               .renormalize = false};
  d.channels = c.input_size;
  d.embed = m.embed.weight;
  d.embed_gate = m.embed_gate.weight;
  for (const reference::TimeMoeLayer& l : m.layers) {
    DecoderLayer layer = describe_attention(l.input_norm, l.attention, l.post_attention_norm);
    layer.ffn = describe_ffn(c.use_dense ? l.dense : l.shared_expert);
    if (!c.use_dense) {
      layer.router = l.router.weight;
      layer.experts = &l.experts;
      layer.shared_gate = l.shared_expert_gate.weight;
    }
    d.layers.push_back(layer);
  }
  d.norm = m.norm;
  for (const reference::Linear& head : m.heads) d.heads_out.emplace_back(head.weight);
  return d;
}

DecoderDescription describe(const reference::Mixtral& m) {
  const reference::MixtralConfig& c = m.config;
  DecoderDescription d;
  d.hidden = c.hidden_size;
  d.heads = c.num_attention_heads;
  d.kv_heads = c.num_key_value_heads;
  d.head_dim = c.head_dim;
  d.rope_theta = c.rope_theta;
  d.norm_eps = c.rms_norm_eps;
  d.experts = {.hidden = c.hidden_size,
               .ffn = c.intermediate_size,
               .experts = c.num_local_experts,
               .top_k = c.num_experts_per_tok,
               .renormalize = true};
  d.embed = m.embed;
  for (const reference::MixtralLayer& l : m.layers) {
    DecoderLayer layer = describe_attention(l.input_norm, l.attention, l.post_attention_norm);
    layer.router = l.router.weight;
    layer.experts = &l.experts;
    d.layers.push_back(layer);
  }
  d.norm = m.norm;
  d.heads_out.emplace_back(m.lm_head.weight);
  return d;
}

const StrategyInfo& find_device_strategy(const std::string& name) {
  std::vector<std::string> known;
  for (const StrategyInfo* s : all_strategies()) {
    if (s->backend == Backend::kCpu) continue;
    if (s->name == name || full_name(*s) == name) return *s;
    known.push_back(full_name(*s));
  }
  throw UserError("unknown strategy of the device \"" + name + "\"" + did_you_mean(name, known) +
                  "; known: " + (known.empty() ? "none was built" : comma_separated(known)));
}

reference::DecoderOutput<float> last_pass(DeviceModel& device, const DecoderDescription& decoder) {
  reference::DecoderOutput<float> out;
  auto hidden = device.hidden();
  const std::int64_t tokens = static_cast<std::int64_t>(hidden.size()) / decoder.hidden;
  out.hidden = reference::Matrix<float>(tokens, decoder.hidden, std::move(hidden));
  for (std::size_t l = 0; l < decoder.layers.size(); ++l) {
    if (decoder.layers[l].experts == nullptr) continue;
    out.router_logits.emplace_back(tokens, decoder.experts.experts, device.router_logits(l));
    require_finite(l, out.router_logits.back());
    out.routing.push_back(device.dispatch(l).routing);
  }
  return out;
}

reference::Forecast<float> generate(DeviceModel& device, const reference::TimeMoe& model,
                                    const reference::Matrix<float>& context,
                                    const std::vector<std::int64_t>& mask,
                                    std::int64_t new_points) {
  const std::int64_t batch = context.rows, length = context.cols + new_points;
  const std::vector<std::int64_t>& horizons = model.config.horizon_lengths;
  reference::Forecast<float> out;
  out.sequence = reference::Matrix<float>(batch, length);
  for (std::int64_t b = 0; b < batch; ++b) {
    std::copy_n(context.row(b), context.cols, out.sequence.row(b));
  }
  device.clear();
  std::vector<float> fed = context.values;
  for (std::int64_t have = context.cols; have < length;) {
    const bool first = have == context.cols;
    device.forward_points(fed, first ? mask : std::vector<std::int64_t>{});
    const std::size_t j = reference::choose_head(horizons, length - have);
    const std::vector<float> next = device.head_of_last(j);  // [B, h]
    const std::int64_t n = std::min(horizons[j], length - have);
    fed.clear();
    for (std::int64_t b = 0; b < batch; ++b) {
      const auto from = next.begin() + b * horizons[j];
      std::copy_n(from, n, out.sequence.row(b) + have);
      fed.insert(fed.end(), from, from + n);
    }
    out.steps.push_back(static_cast<std::int32_t>(n));
    have += n;
  }
  return out;
}

std::vector<std::int64_t> generate(DeviceModel& device, const reference::Mixtral& model,
                                   const std::vector<std::int64_t>& prompt, std::int64_t batch,
                                   const std::vector<std::int64_t>& mask, std::int64_t new_tokens) {
  const std::int64_t context = static_cast<std::int64_t>(prompt.size()) / batch;
  const std::int64_t length = context + new_tokens, words = model.config.vocab_size;
  std::vector<std::int64_t> sequence(static_cast<std::size_t>(batch * length));
  for (std::int64_t b = 0; b < batch; ++b) {
    std::copy_n(prompt.begin() + b * context, context, sequence.begin() + b * length);
  }
  device.clear();
  std::vector<std::int64_t> fed = prompt;
  for (std::int64_t have = context; have < length; ++have) {
    const bool first = have == context;
    device.forward_words(fed, first ? mask : std::vector<std::int64_t>{});
    const std::vector<float> logits = device.head_of_last(0);  // [B, V]
    fed.resize(static_cast<std::size_t>(batch));
    for (std::int64_t b = 0; b < batch; ++b) {
      const auto row = logits.begin() + b * words;
      fed[b] = std::max_element(row, row + words) - row;
      sequence[b * length + have] = fed[b];
    }
  }
  return sequence;
}

}  // namespace moe::harness
