#include "reference/time_moe.h"

#include <algorithm>
#include <stdexcept>

namespace moe::reference {
namespace {

TimeMoeLayer make_layer(const TimeMoeConfig& c, const TensorSource& source,
                        const std::string& name) {
  const std::int64_t hidden = c.hidden_size;
  const std::int64_t q_width = c.num_attention_heads * c.head_dim();
  const std::int64_t kv_width = c.num_key_value_heads * c.head_dim();
  const std::string ffn = name + ".ffn_layer";
  TimeMoeLayer l;
  l.input_norm = source({name + ".input_layernorm.weight", {hidden}, TensorRole::kNorm});
  l.attention.query = make_biased_linear(source, name + ".self_attn.q_proj", q_width, hidden);
  l.attention.key = make_biased_linear(source, name + ".self_attn.k_proj", kv_width, hidden);
  l.attention.value = make_biased_linear(source, name + ".self_attn.v_proj", kv_width, hidden);
  l.attention.output =
      make_linear(source, name + ".self_attn.o_proj", hidden, q_width, TensorRole::kAttention);
  l.post_attention_norm =
      source({name + ".post_attention_layernorm.weight", {hidden}, TensorRole::kNorm});
  if (c.use_dense) {
    l.dense = make_swiglu(source, ffn, c.intermediate_size, hidden, TensorRole::kDenseFfn);
    return l;
  }
  l.router = make_linear(source, ffn + ".gate", c.num_experts, hidden, TensorRole::kRouter);
  for (std::int64_t e = 0; e < c.num_experts; ++e) {
    const std::string expert = ffn + ".experts." + std::to_string(e);
    append_expert(source, expert + ".gate_proj", expert + ".up_proj", expert + ".down_proj",
                  c.moe_intermediate_size, hidden, l.experts);
  }
  l.shared_expert = make_swiglu(source, ffn + ".shared_expert", c.intermediate_size, hidden,
                                TensorRole::kSharedExpert);
  l.shared_expert_gate =
      make_linear(source, ffn + ".shared_expert_gate", 1, hidden, TensorRole::kSharedExpertGate);
  return l;
}

// out = sum over the top K experts of p_e expert_e(y)  +  sigmoid(w . y) shared(y)
// p = softmax over all E, not renormalised over the chosen K.
template <class Real>
Matrix<Real> sparse_experts(const TimeMoe& model, std::int64_t layer, const Matrix<Real>& y,
                            const RoutedExperts<Real>& experts, DecoderOutput<Real>& record) {
  const TimeMoeConfig& c = model.config;
  const TimeMoeLayer& l = model.layers[layer];
  MoeShape shape{.hidden = c.hidden_size,
                 .ffn = c.moe_intermediate_size,
                 .experts = c.num_experts,
                 .top_k = c.num_experts_per_tok,
                 .renormalize = false};
  Matrix<Real> out = run_experts(experts, layer, shape, l.experts, y, linear(l.router, y), record);
  const Matrix<Real> shared = swiglu(l.shared_expert, y);
  const Matrix<Real> gate = linear(l.shared_expert_gate, y);  // [T, 1]
  for (std::int64_t t = 0; t < y.rows; ++t) {
    const Real s = sigmoid(gate.row(t)[0]);
    for (std::int64_t i = 0; i < y.cols; ++i) out.row(t)[i] += s * shared.row(t)[i];
  }
  return out;
}

}  // namespace

TimeMoe make_time_moe(const TimeMoeConfig& c, const TensorSource& source) {
  TimeMoe m;
  m.config = c;
  m.embed = make_linear(source, "model.embed_layer.emb_layer", c.hidden_size, c.input_size,
                        TensorRole::kEmbedding);
  m.embed_gate = make_linear(source, "model.embed_layer.gate_layer", c.hidden_size, c.input_size,
                             TensorRole::kEmbedding);
  for (std::int64_t l = 0; l < c.num_hidden_layers; ++l) {
    m.layers.push_back(make_layer(c, source, "model.layers." + std::to_string(l)));
  }
  m.norm = source({"model.norm.weight", {c.hidden_size}, TensorRole::kNorm});
  for (std::size_t j = 0; j < c.horizon_lengths.size(); ++j) {
    m.heads.push_back(make_linear(source, "lm_heads." + std::to_string(j) + ".out_layer",
                                  c.horizon_lengths[j] * c.input_size, c.hidden_size,
                                  TensorRole::kHead));
  }
  return m;
}

AttentionShape attention_shape(const TimeMoeConfig& c) {
  return {c.num_attention_heads, c.num_key_value_heads, c.head_dim(), c.rope_theta};
}

// e = silu(W_gate x) * (W_emb x): the activation is on the gate, and 0 is embedded as 0.
template <class Real>
Matrix<Real> time_moe_embed(const TimeMoe& model, const Matrix<Real>& points) {
  return silu_times(linear(model.embed_gate, points), linear(model.embed, points));
}

// a = h + Attention(RMS(h)); h = a + FFN(RMS(a)); at the end RMS(h).
template <class Real>
DecoderOutput<Real> time_moe_forward(const TimeMoe& model, const Matrix<Real>& points,
                                     const std::vector<std::int64_t>& mask, KvCache<Real>& cache,
                                     const RoutedExperts<Real>& experts) {
  const TimeMoeConfig& c = model.config;
  DecoderOutput<Real> out;
  const auto positions = cache.extend(points.rows / cache.batch, mask);
  Matrix<Real> h = time_moe_embed(model, points);
  for (std::int64_t l = 0; l < c.num_hidden_layers; ++l) {
    const TimeMoeLayer& layer = model.layers[l];
    add(h, attention(attention_shape(c), layer.attention,
                     rms_norm(layer.input_norm, c.rms_norm_eps, h), positions, cache, l));
    const Matrix<Real> y = rms_norm(layer.post_attention_norm, c.rms_norm_eps, h);
    add(h, c.use_dense ? swiglu(layer.dense, y) : sparse_experts(model, l, y, experts, out));
  }
  out.hidden = rms_norm(model.norm, c.rms_norm_eps, h);
  return out;
}

template <class Real>
Matrix<Real> time_moe_head(const TimeMoe& model, std::size_t j, const Matrix<Real>& hidden) {
  return linear(model.heads[j], hidden);
}

std::size_t choose_head(const std::vector<std::int64_t>& horizons,
                        std::optional<std::int64_t> remaining) {
  if (!remaining) return 0;
  if (*remaining < 1) {
    throw std::logic_error("choose_head: " + std::to_string(*remaining) + " points remain");
  }
  std::size_t j = 0;
  while (j + 1 < horizons.size() && horizons[j + 1] <= *remaining) ++j;
  return j;
}

// Each pass appends the longest head that still fits and feeds what it appended to the next pass.
template <class Real>
Forecast<Real> time_moe_generate(const TimeMoe& model, const Matrix<Real>& context,
                                 const std::vector<std::int64_t>& mask, std::int64_t new_points,
                                 const RoutedExperts<Real>& experts) {
  const std::int64_t batch = context.rows;
  const std::int64_t length = context.cols + new_points;
  Forecast<Real> out;
  out.sequence = Matrix<Real>(batch, length);
  for (std::int64_t b = 0; b < batch; ++b) {
    std::copy_n(context.row(b), context.cols, out.sequence.row(b));
  }
  KvCache<Real> cache = empty_cache<Real>(model, batch);
  Matrix<Real> fed(batch * context.cols, 1, context.values);
  for (std::int64_t have = context.cols; have < length;) {
    const bool first = have == context.cols;
    const auto pass =
        time_moe_forward(model, fed, first ? mask : std::vector<std::int64_t>{}, cache, experts);
    const std::size_t j = choose_head(model.config.horizon_lengths, length - have);
    const Matrix<Real> next = time_moe_head(model, j, last_rows(pass.hidden, batch));
    // Only a first head that is itself too long gets cut.
    const std::int64_t n = std::min(model.config.horizon_lengths[j], length - have);
    fed = Matrix<Real>(batch * n, 1);
    for (std::int64_t b = 0; b < batch; ++b) {
      std::copy_n(next.row(b), n, out.sequence.row(b) + have);
      std::copy_n(next.row(b), n, fed.row(b * n));
    }
    out.steps.push_back(static_cast<std::int32_t>(n));
    have += n;
  }
  return out;
}

#define MOE_INSTANTIATE(Real)                                                                     \
  template Matrix<Real> time_moe_embed(const TimeMoe&, const Matrix<Real>&);                      \
  template DecoderOutput<Real> time_moe_forward(const TimeMoe&, const Matrix<Real>&,              \
                                                const std::vector<std::int64_t>&, KvCache<Real>&, \
                                                const RoutedExperts<Real>&);                      \
  template Matrix<Real> time_moe_head(const TimeMoe&, std::size_t, const Matrix<Real>&);          \
  template Forecast<Real> time_moe_generate(const TimeMoe&, const Matrix<Real>&,                  \
                                            const std::vector<std::int64_t>&, std::int64_t,       \
                                            const RoutedExperts<Real>&);
MOE_INSTANTIATE(float)
MOE_INSTANTIATE(double)
#undef MOE_INSTANTIATE

}  // namespace moe::reference
