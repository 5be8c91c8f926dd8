#include "reference/losses.h"

#include <algorithm>
#include <cmath>

#include "reference/route.h"

namespace moe::reference {
namespace {

// d^2 / 2 up to 2, then 2 (|d| - 1); Huber 1964 with delta = 2.
double huber(double d) {
  constexpr double kDelta = 2;
  const double a = std::abs(d);
  return a <= kDelta ? a * a / 2 : kDelta * (a - kDelta / 2);
}

// log(sum exp(x)), safe from overflow
template <class Real>
double log_sum_exp(const Real* x, std::int64_t n) {
  const double most = *std::max_element(x, x + n);
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(x[i]) - most);
  return most + std::log(sum);
}

}  // namespace

template <class Real>
double horizon_loss(const Matrix<Real>& prediction, const Matrix<Real>& labels,
                    const std::vector<Real>& loss_mask, std::int64_t batch) {
  const std::int64_t steps = labels.rows / batch;
  const std::int64_t channels = labels.cols;
  const std::int64_t horizon = prediction.cols / channels;
  double loss = 0;
  double weight = 0;
  for (std::int64_t row = 0; row < labels.rows; ++row) {
    for (std::int64_t ahead = 0; ahead < horizon; ++ahead) {
      const bool past_the_end = row % steps + ahead >= steps;
      double m = 1;
      if (!loss_mask.empty()) m = past_the_end ? 0 : static_cast<double>(loss_mask[row + ahead]);
      for (std::int64_t c = 0; c < channels; ++c) {
        const double target = past_the_end ? 0 : labels.row(row + ahead)[c];
        loss += m * huber(prediction.row(row)[ahead * channels + c] - target);
      }
      weight += m;
    }
  }
  // With a mask the channels are summed but not counted, as published.
  return loss / (loss_mask.empty() ? weight * static_cast<double>(channels) : weight);
}

template <class Real>
double load_balancing_loss(const std::vector<Matrix<Real>>& logits, std::int64_t top_k,
                           const std::vector<std::int64_t>& mask) {
  const std::int64_t experts = logits.front().cols;
  double count = 0;
  std::vector<double> chosen(experts, 0);  // sum over k of f[k, e], before division
  std::vector<double> probability(experts, 0);
  for (const Matrix<Real>& layer : logits) {
    // route() with all E chosen: every expert's probability, best first
    const MoeShape shape{.tokens = layer.rows, .experts = experts, .top_k = experts};
    const auto p = route<Real>(TokenChoice{}, shape, layer.view());
    for (std::int64_t t = 0; t < layer.rows; ++t) {
      if (!mask.empty() && mask[t] == 0) continue;
      count += 1;
      for (std::int64_t rank = 0; rank < experts; ++rank) {
        const std::int64_t a = p.offsets[t] + rank;
        if (rank < top_k) chosen[p.expert[a]] += 1;
        probability[p.expert[a]] += p.weight[a];
      }
    }
  }
  double loss = 0;
  for (std::int64_t e = 0; e < experts; ++e) loss += chosen[e] / count * (probability[e] / count);
  return static_cast<double>(experts) * loss;
}

template <class Real>
double next_token_loss(const Matrix<Real>& logits, const std::vector<std::int64_t>& labels,
                       std::int64_t batch) {
  constexpr std::int64_t kIgnored = -100;
  const std::int64_t steps = logits.rows / batch;
  double loss = 0;
  double count = 0;
  for (std::int64_t t = 0; t + 1 < logits.rows; ++t) {
    const bool last = t % steps == steps - 1;
    if (last || labels[t + 1] == kIgnored) continue;
    const Real* x = logits.row(t);
    loss += log_sum_exp(x, logits.cols) - static_cast<double>(x[labels[t + 1]]);
    count += 1;
  }
  return loss / count;
}

#define MOE_INSTANTIATE(Real)                                                                      \
  template double horizon_loss(const Matrix<Real>&, const Matrix<Real>&, const std::vector<Real>&, \
                               std::int64_t);                                                      \
  template double load_balancing_loss(const std::vector<Matrix<Real>>&, std::int64_t,              \
                                      const std::vector<std::int64_t>&);                           \
  template double next_token_loss(const Matrix<Real>&, const std::vector<std::int64_t>&,           \
                                  std::int64_t);
MOE_INSTANTIATE(float)
MOE_INSTANTIATE(double)
#undef MOE_INSTANTIATE

}  // namespace moe::reference
