#include "reference/model_tensors.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "kernels/contract/error.h"
#include "reference/losses.h"
#include "reference/model_inputs.h"

namespace moe::reference {
namespace {

using Shape = std::vector<std::int64_t>;

constexpr std::int64_t kMostNewTokens = 1 << 20;  // beyond any context a model was trained on

template <class Real>
Tensor floats(Shape shape, const std::vector<Real>& values) {
  constexpr bool kDouble = std::is_same_v<Real, double>;
  return make_tensor<Real>(kDouble ? TensorType::kF64 : TensorType::kF32, std::move(shape), values);
}
template <class Real>
Tensor scalar(double value) {
  return floats<Real>({1}, {static_cast<Real>(value)});
}
Tensor integers(Shape shape, const std::vector<std::int32_t>& values) {
  return make_tensor<std::int32_t>(TensorType::kI32, std::move(shape), values);
}

// The end of a tensor's name: ".3"
std::string dotted(std::int64_t number) { return std::string(".").append(std::to_string(number)); }

// What both models show of a pass.
template <class Real>
Tensors shown(const DecoderOutput<Real>& pass, std::int64_t batch, std::int64_t top_k) {
  const std::int64_t tokens = pass.hidden.rows;
  Tensors out;
  out["hidden"] = floats({batch, tokens / batch, pass.hidden.cols}, pass.hidden.values);
  for (std::size_t l = 0; l < pass.routing.size(); ++l) {
    const std::string layer = dotted(static_cast<std::int64_t>(l));
    const BasicRouting<Real>& routing = pass.routing[l];
    std::int64_t width = top_k;
    for (std::int64_t t = 0; t < tokens; ++t) {
      width = std::max<std::int64_t>(width, routing.offsets[t + 1] - routing.offsets[t]);
    }
    std::vector<std::int32_t> expert(tokens * width, -1);
    std::vector<Real> weight(tokens * width, 0);
    for (std::int64_t t = 0; t < tokens; ++t) {
      for (auto a = routing.offsets[t]; a < routing.offsets[t + 1]; ++a) {
        expert[t * width + a - routing.offsets[t]] = routing.expert[a];
        weight[t * width + a - routing.offsets[t]] = routing.weight[a];
      }
    }
    const Matrix<Real>& logits = pass.router_logits[l];
    out["router_logits" + layer] = floats({logits.rows, logits.cols}, logits.values);
    out["selected_experts" + layer] = integers({tokens, width}, expert);
    out["routing_weights" + layer] = floats({tokens, width}, weight);
  }
  return out;
}

ModelInputs time_moe_inputs(const TimeMoe& model, const std::filesystem::path& input) {
  return {
      input, "input", model.config.input_size, {"input", "attention_mask", "labels", "loss_masks"}};
}
ModelInputs mixtral_inputs(const std::filesystem::path& input) {
  return {input, "input_ids", 1, {"input_ids", "attention_mask", "labels"}};
}

template <class Real>
Tensors forward(const TimeMoe& model, const std::filesystem::path& input,
                const RoutedExperts<Real>& experts) {
  const TimeMoeConfig& c = model.config;
  const ModelInputs in = time_moe_inputs(model, input);
  const std::int64_t tokens = in.batch() * in.steps();
  const Matrix<Real> points(tokens, c.input_size, in.series<Real>("input"));
  const auto mask = in.attention_mask();
  const auto loss_mask = in.loss_mask<Real>("loss_masks");
  Matrix<Real> labels;
  if (in.has("labels")) labels = {tokens, c.input_size, in.series<Real>("labels")};

  KvCache<Real> cache = empty_cache<Real>(model, in.batch());
  const auto pass = time_moe_forward(model, points, mask, cache, experts);
  Tensors out = shown(pass, in.batch(), c.num_experts_per_tok);
  double ar_loss = 0;
  for (std::size_t j = 0; j < c.horizon_lengths.size(); ++j) {
    const std::string horizon = dotted(c.horizon_lengths[j]);
    const Matrix<Real> head = time_moe_head(model, j, pass.hidden);
    out["head" + horizon] = floats({in.batch(), in.steps(), head.cols}, head.values);
    if (labels.rows == 0) continue;
    const double loss = horizon_loss(head, labels, loss_mask, in.batch());
    out["ar_loss" + horizon] = scalar<Real>(loss);
    ar_loss += loss / static_cast<double>(c.horizon_lengths.size());
  }
  if (labels.rows == 0) return out;
  double aux_loss = 0;
  if (!c.use_dense) {
    aux_loss = load_balancing_loss(pass.router_logits, c.num_experts_per_tok, mask);
    out["aux_loss"] = scalar<Real>(aux_loss);
  }
  out["ar_loss"] = scalar<Real>(ar_loss);
  out["loss"] = scalar<Real>(ar_loss + c.router_aux_loss_factor * aux_loss);
  return out;
}

template <class Real>
Tensors forward(const Mixtral& model, const std::filesystem::path& input,
                const RoutedExperts<Real>& experts) {
  const MixtralConfig& c = model.config;
  const ModelInputs in = mixtral_inputs(input);
  const auto ids = in.ids("input_ids", c.vocab_size, false);
  const auto mask = in.attention_mask();
  std::vector<std::int64_t> labels;
  if (in.has("labels")) labels = in.ids("labels", c.vocab_size, true);
  for (std::size_t t = 0; t < labels.size(); ++t) {
    const bool predicted = static_cast<std::int64_t>(t) % in.steps() != 0 && labels[t] != -100;
    if (predicted) break;
    if (t + 1 < labels.size()) continue;
    throw UserError(input.string() + ": tensor \"labels\" leaves every prediction out, expected " +
                    "at least one label that is not -100 after the first step");
  }

  KvCache<Real> cache = empty_cache<Real>(model, in.batch());
  const auto pass = mixtral_forward(model, ids, mask, cache, experts);
  const Matrix<Real> logits = mixtral_logits(model, pass.hidden);
  Tensors out = shown(pass, in.batch(), c.num_experts_per_tok);
  out["logits"] = floats({in.batch(), in.steps(), logits.cols}, logits.values);
  if (labels.empty()) return out;
  const double lm_loss = next_token_loss(logits, labels, in.batch());
  const double aux_loss = load_balancing_loss(pass.router_logits, c.num_experts_per_tok, mask);
  out["lm_loss"] = scalar<Real>(lm_loss);
  out["aux_loss"] = scalar<Real>(aux_loss);
  out["loss"] = scalar<Real>(lm_loss + c.router_aux_loss_coef * aux_loss);
  return out;
}

template <class Real>
Tensors generate(const TimeMoe& model, const std::filesystem::path& input, std::int64_t n,
                 const RoutedExperts<Real>& experts) {
  if (model.config.input_size != 1) {
    throw UserError(input.string() + ": generation feeds single numbers back, but input_size is " +
                    std::to_string(model.config.input_size) + " in config.json, expected 1");
  }
  const ModelInputs in = time_moe_inputs(model, input);
  const Matrix<Real> context(in.batch(), in.steps(), in.series<Real>("input"));
  const auto made =
      time_moe_generate(model, context, in.attention_mask_for_generation(), n, experts);
  const auto passes = static_cast<std::int64_t>(made.steps.size());
  return {{"sequence", floats({in.batch(), in.steps() + n}, made.sequence.values)},
          {"steps", integers({passes}, made.steps)}};
}

template <class Real>
Tensors generate(const Mixtral& model, const std::filesystem::path& input, std::int64_t n,
                 const RoutedExperts<Real>& experts) {
  const ModelInputs in = mixtral_inputs(input);
  const auto prompt = in.ids("input_ids", model.config.vocab_size, false);
  const auto made = mixtral_generate<Real>(model, prompt, in.batch(),
                                           in.attention_mask_for_generation(), n, experts);
  return {
      {"sequence", make_tensor<std::int64_t>(TensorType::kI64, {in.batch(), in.steps() + n}, made)},
      {"steps", integers({n}, std::vector<std::int32_t>(n, 1))}};
}

}  // namespace

template <class Real>
Tensors forward_tensors(const Model& model, const std::filesystem::path& input,
                        const RoutedExperts<Real>& experts) {
  return std::visit([&](const auto& m) { return forward<Real>(m, input, experts); }, model);
}

template <class Real>
Tensors generate_tensors(const Model& model, const std::filesystem::path& input,
                         std::int64_t new_tokens, const RoutedExperts<Real>& experts) {
  if (new_tokens < 1 || new_tokens > kMostNewTokens) {
    throw UserError(std::to_string(new_tokens) + " new tokens were asked for, expected 1 to " +
                    std::to_string(kMostNewTokens));
  }
  return std::visit([&](const auto& m) { return generate<Real>(m, input, new_tokens, experts); },
                    model);
}

template Tensors forward_tensors(const Model&, const std::filesystem::path&,
                                 const RoutedExperts<float>&);
template Tensors forward_tensors(const Model&, const std::filesystem::path&,
                                 const RoutedExperts<double>&);
template Tensors generate_tensors(const Model&, const std::filesystem::path&, std::int64_t,
                                  const RoutedExperts<float>&);
template Tensors generate_tensors(const Model&, const std::filesystem::path&, std::int64_t,
                                  const RoutedExperts<double>&);

}  // namespace moe::reference
