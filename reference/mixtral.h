#pragma once
#include <cstdint>
#include <vector>

#include "reference/attention.h"
#include "reference/model_config.h"
#include "reference/routed_experts.h"
#include "reference/tensor_source.h"

namespace moe::reference {

// Mixtral (Jiang et al., arXiv 2401.04088): a decoder over words whose feed-forward layers are
// eight experts, two per token.

struct MixtralLayer {
  std::vector<float> input_norm;           // [H]
  AttentionWeights attention;              // no biases
  std::vector<float> post_attention_norm;  // [H]
  Linear router;                           // [E, H]
  ExpertWeights experts;                   // gate = w1, up = w3, down = w2
};

struct Mixtral {
  MixtralConfig config;
  std::vector<float> embed;  // [V, H]
  std::vector<MixtralLayer> layers;
  std::vector<float> norm;  // [H]
  Linear lm_head;           // [V, H]
};

Mixtral make_mixtral(const MixtralConfig& config, const TensorSource& source);

template <class Real>
KvCache<Real> empty_cache(const Mixtral& model, std::int64_t batch) {
  return {batch, model.config.num_hidden_layers};
}

// The layers and the final norm over the S newest tokens of each sequence. ids: [B * S], sequence
// by sequence, each below the vocabulary's size; mask: [B * S], 0 is padding, empty is all ones.
// The cache grows by S.
template <class Real>
DecoderOutput<Real> mixtral_forward(const Mixtral& model, const std::vector<std::int64_t>& ids,
                                    const std::vector<std::int64_t>& mask, KvCache<Real>& cache,
                                    const RoutedExperts<Real>& experts = naive_experts<Real>());

// [T, H] -> [T, V]
template <class Real>
Matrix<Real> mixtral_logits(const Mixtral& model, const Matrix<Real>& hidden);

// N more tokens of every sequence, always the most likely one (the lowest id where equal), with a
// cache and without stopping early. prompt: [B * L]; mask: [B * L] or empty, its last column ones.
// Returns [B * (L + N)].
template <class Real>
std::vector<std::int64_t> mixtral_generate(
    const Mixtral& model, const std::vector<std::int64_t>& prompt, std::int64_t batch,
    const std::vector<std::int64_t>& mask, std::int64_t new_tokens,
    const RoutedExperts<Real>& experts = naive_experts<Real>());

}  // namespace moe::reference
