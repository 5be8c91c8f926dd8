#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "reference/attention.h"
#include "reference/model_config.h"
#include "reference/routed_experts.h"
#include "reference/tensor_source.h"

namespace moe::reference {

// Time-MoE (Shi et al., arXiv 2409.16040): a decoder over the points of a series. Every point is a
// token; heads of several lengths ("horizons") forecast the next points from the last token.

struct TimeMoeLayer {
  std::vector<float> input_norm;  // [H]
  AttentionWeights attention;
  std::vector<float> post_attention_norm;  // [H]
  Linear router;                           // [E, H]
  ExpertWeights experts;
  Swiglu shared_expert;       // width I
  Linear shared_expert_gate;  // [1, H]
  Swiglu dense;               // width I: the dense variant has this instead of the four above
};

struct TimeMoe {
  TimeMoeConfig config;
  Linear embed;       // [H, C]
  Linear embed_gate;  // [H, C]
  std::vector<TimeMoeLayer> layers;
  std::vector<float> norm;    // [H]
  std::vector<Linear> heads;  // one a horizon, [h * C, H]
};

TimeMoe make_time_moe(const TimeMoeConfig& config, const TensorSource& source);

template <class Real>
KvCache<Real> empty_cache(const TimeMoe& model, std::int64_t batch) {
  return {batch, model.config.num_hidden_layers};
}

AttentionShape attention_shape(const TimeMoeConfig& config);

// points: [T, C] -> [T, H]
template <class Real>
Matrix<Real> time_moe_embed(const TimeMoe& model, const Matrix<Real>& points);

// The layers and the final norm over the S newest points of each sequence. points: [B * S, C],
// sequence by sequence; mask: I64 [B * S], 0 is padding, empty is all ones. The cache grows by S.
template <class Real>
DecoderOutput<Real> time_moe_forward(const TimeMoe& model, const Matrix<Real>& points,
                                     const std::vector<std::int64_t>& mask, KvCache<Real>& cache,
                                     const RoutedExperts<Real>& experts = naive_experts<Real>());

// What head `j` makes of hidden states: [T, H] -> [T, h * C], step-major; at t it forecasts the
// points t + 1 .. t + h.
template <class Real>
Matrix<Real> time_moe_head(const TimeMoe& model, std::size_t j, const Matrix<Real>& hidden);

// The index of the longest head that is not longer than `remaining`; the first head where all are
// longer, or where nothing is asked. `horizons` ascend.
std::size_t choose_head(const std::vector<std::int64_t>& horizons,
                        std::optional<std::int64_t> remaining);

template <class Real>
struct Forecast {
  Matrix<Real> sequence{};            // [B, L + N]: the context, then the forecast
  std::vector<std::int32_t> steps{};  // points appended by each pass
};

// N more points of every series, pass by pass, with a cache. context: [B, L], C = 1; mask: I64
// [B * L] or empty, its last column ones. N >= 1.
template <class Real>
Forecast<Real> time_moe_generate(const TimeMoe& model, const Matrix<Real>& context,
                                 const std::vector<std::int64_t>& mask, std::int64_t new_points,
                                 const RoutedExperts<Real>& experts = naive_experts<Real>());

}  // namespace moe::reference
