#include "reference/mixtral.h"

#include <algorithm>

namespace moe::reference {
namespace {

MixtralLayer make_layer(const MixtralConfig& c, const TensorSource& source,
                        const std::string& name) {
  const std::int64_t hidden = c.hidden_size;
  const std::int64_t q_width = c.num_attention_heads * c.head_dim;
  const std::int64_t kv_width = c.num_key_value_heads * c.head_dim;
  const auto projection = [&](const char* which, std::int64_t out, std::int64_t in) {
    return make_linear(source, name + ".self_attn." + which, out, in, TensorRole::kAttention);
  };
  MixtralLayer l;
  l.input_norm = source({name + ".input_layernorm.weight", {hidden}, TensorRole::kNorm});
  l.attention = {projection("q_proj", q_width, hidden), projection("k_proj", kv_width, hidden),
                 projection("v_proj", kv_width, hidden), projection("o_proj", hidden, q_width)};
  l.post_attention_norm =
      source({name + ".post_attention_layernorm.weight", {hidden}, TensorRole::kNorm});
  const std::string moe = name + ".block_sparse_moe";
  l.router = make_linear(source, moe + ".gate", c.num_local_experts, hidden, TensorRole::kRouter);
  for (std::int64_t e = 0; e < c.num_local_experts; ++e) {
    const std::string expert = moe + ".experts." + std::to_string(e);
    append_expert(source, expert + ".w1", expert + ".w3", expert + ".w2", c.intermediate_size,
                  hidden, l.experts);
  }
  return l;
}

}  // namespace

Mixtral make_mixtral(const MixtralConfig& c, const TensorSource& source) {
  Mixtral m;
  m.config = c;
  m.embed =
      source({"model.embed_tokens.weight", {c.vocab_size, c.hidden_size}, TensorRole::kEmbedding});
  for (std::int64_t l = 0; l < c.num_hidden_layers; ++l) {
    m.layers.push_back(make_layer(c, source, "model.layers." + std::to_string(l)));
  }
  m.norm = source({"model.norm.weight", {c.hidden_size}, TensorRole::kNorm});
  m.lm_head = make_linear(source, "lm_head", c.vocab_size, c.hidden_size, TensorRole::kHead);
  return m;
}

// a = h + Attention(RMS(h)); h = a + sum over the top K experts of w_e expert_e(RMS(a)), where w is
// the softmax over the chosen K; at the end RMS(h).
template <class Real>
DecoderOutput<Real> mixtral_forward(const Mixtral& model, const std::vector<std::int64_t>& ids,
                                    const std::vector<std::int64_t>& mask, KvCache<Real>& cache,
                                    const RoutedExperts<Real>& experts) {
  const MixtralConfig& c = model.config;
  const AttentionShape heads{c.num_attention_heads, c.num_key_value_heads, c.head_dim,
                             c.rope_theta};
  const MoeShape shape{.hidden = c.hidden_size,
                       .ffn = c.intermediate_size,
                       .experts = c.num_local_experts,
                       .top_k = c.num_experts_per_tok,
                       .renormalize = true};
  const std::int64_t tokens = static_cast<std::int64_t>(ids.size());
  DecoderOutput<Real> out;
  const auto positions = cache.extend(tokens / cache.batch, mask);
  Matrix<Real> h(tokens, c.hidden_size);
  for (std::int64_t t = 0; t < tokens; ++t) {
    std::copy_n(model.embed.data() + ids[t] * c.hidden_size, c.hidden_size, h.row(t));
  }
  for (std::int64_t l = 0; l < c.num_hidden_layers; ++l) {
    const MixtralLayer& layer = model.layers[l];
    add(h, attention(heads, layer.attention, rms_norm(layer.input_norm, c.rms_norm_eps, h),
                     positions, cache, l));
    const Matrix<Real> y = rms_norm(layer.post_attention_norm, c.rms_norm_eps, h);
    add(h, run_experts(experts, l, shape, layer.experts, y, linear(layer.router, y), out));
  }
  out.hidden = rms_norm(model.norm, c.rms_norm_eps, h);
  return out;
}

template <class Real>
Matrix<Real> mixtral_logits(const Mixtral& model, const Matrix<Real>& hidden) {
  return linear(model.lm_head, hidden);
}

template <class Real>
std::vector<std::int64_t> mixtral_generate(const Mixtral& model,
                                           const std::vector<std::int64_t>& prompt,
                                           std::int64_t batch,
                                           const std::vector<std::int64_t>& mask,
                                           std::int64_t new_tokens,
                                           const RoutedExperts<Real>& experts) {
  const std::int64_t context = static_cast<std::int64_t>(prompt.size()) / batch;
  const std::int64_t length = context + new_tokens;
  std::vector<std::int64_t> sequence(batch * length);
  for (std::int64_t b = 0; b < batch; ++b) {
    std::copy_n(prompt.data() + b * context, context, sequence.data() + b * length);
  }
  KvCache<Real> cache = empty_cache<Real>(model, batch);
  std::vector<std::int64_t> fed = prompt;
  for (std::int64_t have = context; have < length; ++have) {
    const bool first = have == context;
    const auto pass =
        mixtral_forward(model, fed, first ? mask : std::vector<std::int64_t>{}, cache, experts);
    const Matrix<Real> logits = mixtral_logits(model, last_rows(pass.hidden, batch));
    fed.resize(batch);
    for (std::int64_t b = 0; b < batch; ++b) {
      fed[b] = std::max_element(logits.row(b), logits.row(b) + logits.cols) - logits.row(b);
      sequence[b * length + have] = fed[b];
    }
  }
  return sequence;
}

#define MOE_INSTANTIATE(Real)                                                                    \
  template DecoderOutput<Real> mixtral_forward(const Mixtral&, const std::vector<std::int64_t>&, \
                                               const std::vector<std::int64_t>&, KvCache<Real>&, \
                                               const RoutedExperts<Real>&);                      \
  template Matrix<Real> mixtral_logits(const Mixtral&, const Matrix<Real>&);                     \
  template std::vector<std::int64_t> mixtral_generate(                                           \
      const Mixtral&, const std::vector<std::int64_t>&, std::int64_t,                            \
      const std::vector<std::int64_t>&, std::int64_t, const RoutedExperts<Real>&);
MOE_INSTANTIATE(float)
MOE_INSTANTIATE(double)
#undef MOE_INSTANTIATE

}  // namespace moe::reference
