#include "kernels/cpu/detail/top_k.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/detail/parallel.h"

namespace moe::cpu {
namespace {

constexpr std::int64_t kTokensPerTask = 64;  // a token costs well under a microsecond

// Keeps the K best seen so far in order. A later equal logit never passes an earlier one.
void select_one(std::span<const float> logits, std::int64_t top_k, std::int32_t* expert) {
  std::int64_t held = 0;
  for (std::int32_t e = 0; e < static_cast<std::int32_t>(logits.size()); ++e) {
    if (held == top_k && !(logits[e] > logits[expert[held - 1]])) continue;
    std::int64_t place = held < top_k ? held++ : held - 1;
    for (; place > 0 && logits[e] > logits[expert[place - 1]]; --place) {
      expert[place] = expert[place - 1];
    }
    expert[place] = e;
  }
}

void weigh_one(const MoeShape& s, std::span<const float> logits, const std::int32_t* expert,
               float* weight) {
  const float most = logits[expert[0]];
  float sum = 0;
  for (std::int64_t k = 0; k < s.top_k; ++k) {
    weight[k] = std::exp(logits[expert[k]] - most);
    sum += weight[k];
  }
  if (!s.renormalize) {
    sum = 0;
    for (const float g : logits) sum += std::exp(g - most);
  }
  for (std::int64_t k = 0; k < s.top_k; ++k) weight[k] /= sum;
}

}  // namespace

void TopK::reserve(const MoeShape& shape) {
  expert.resize(static_cast<std::size_t>(shape.tokens * shape.top_k));
  weight.resize(static_cast<std::size_t>(shape.tokens * shape.top_k));
}

void TopK::select(const MoeShape& shape, MatrixView<const float> logits) {
  tokens = logits.rows;
  top_k = shape.top_k;
  parallel_for(blocks_of(tokens, kTokensPerTask), [&](std::int64_t block) {
    const std::int64_t end = std::min(tokens, (block + 1) * kTokensPerTask);
    for (std::int64_t t = block * kTokensPerTask; t < end; ++t) {
      select_one(logits.row(t), top_k, &expert[t * top_k]);
      weigh_one(shape, logits.row(t), &expert[t * top_k], &weight[t * top_k]);
    }
  });
}

void softmax_by_expert(std::span<const float> logits, float* to, std::int64_t apart) {
  const float most = *std::ranges::max_element(logits);
  float sum = 0;
  for (std::int64_t e = 0; e < std::ssize(logits); ++e) {
    sum += to[e * apart] = std::exp(logits[e] - most);
  }
  for (std::int64_t e = 0; e < std::ssize(logits); ++e) to[e * apart] /= sum;
}

}  // namespace moe::cpu
