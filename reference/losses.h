#pragma once
#include <cstdint>
#include <vector>

#include "reference/matrix.h"

namespace moe::reference {

// The training losses of both models. Sums are double whatever the model ran in.

// Time-MoE's loss of one horizon head, Huber with delta 2. prediction: [B * S, h * C], step-major;
// labels: [B * S, C], labels[t] is the point after t, so the head's targets at t are
// labels[t .. t + h - 1], zero where they reach past the end. loss_mask: [B * S], or empty.
//   no mask: the mean over all B S h C elements, the zeros past the end included
//   mask:    sum of m * huber over sum of m, m padded with 0 as the labels are; NaN if all masked
template <class Real>
double horizon_loss(const Matrix<Real>& prediction, const Matrix<Real>& labels,
                    const std::vector<Real>& loss_mask, std::int64_t batch);

// E * sum over k, e of f[k, e] P[e] over the tokens of all layers together: f is the share of
// tokens whose k-th choice is e, P the mean probability. Even load gives K, since f is not divided
// by K. Imbalances of different layers cancel, as published. mask: [T], or empty; masked tokens do
// not count. logits: [layers] of [T, E].
template <class Real>
double load_balancing_loss(const std::vector<Matrix<Real>>& logits, std::int64_t top_k,
                           const std::vector<std::int64_t>& mask);

// Mean cross-entropy of each token's prediction of the next label of its sequence. logits: [B * S,
// V]; labels: [B * S] below V, or -100: not counted. NaN where nothing counts.
template <class Real>
double next_token_loss(const Matrix<Real>& logits, const std::vector<std::int64_t>& labels,
                       std::int64_t batch);

}  // namespace moe::reference
