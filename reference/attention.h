#pragma once
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

#include "reference/layers.h"

namespace moe::reference {

// Grouped-query attention with rotary positions and a cache of keys and values.

struct AttentionShape {
  std::int64_t heads = 0;     // of queries
  std::int64_t kv_heads = 0;  // of keys and values; query head n reads n / (heads / kv_heads)
  std::int64_t head_dim = 0;  // d
  double rope_theta = 0;
};

struct AttentionWeights {
  Linear query;   // [heads * d, H]
  Linear key;     // [kv_heads * d, H]
  Linear value;   // [kv_heads * d, H]
  Linear output;  // [H, heads * d]
};

// What is remembered of the tokens already seen. Keys are stored after their rotation.
template <class Real>
struct KvCache {
  struct Layer {
    std::vector<std::vector<Real>> keys;    // [batch] of [length, kv_heads * d]
    std::vector<std::vector<Real>> values;  // [batch] of [length, kv_heads * d]
  };
  std::int64_t batch = 0;
  std::vector<std::vector<std::uint8_t>> visible{};  // [batch][length]: 0 is padding
  std::vector<Layer> layers{};

  KvCache(std::int64_t sequences, std::int64_t layer_count)
      : batch(sequences), visible(sequences), layers(layer_count) {
    for (Layer& l : layers) {
      l.keys.resize(sequences);
      l.values.resize(sequences);
    }
  }

  // Notes `steps` more tokens of each sequence and gives their positions, [batch * steps]:
  // cumsum(mask) - 1 over all tokens so far, 1 for padding. mask: [batch * steps]; empty is all
  // ones.
  std::vector<std::int64_t> extend(std::int64_t steps, const std::vector<std::int64_t>& mask) {
    std::vector<std::int64_t> positions;
    for (std::int64_t b = 0; b < batch; ++b) {
      std::int64_t seen = std::count(visible[b].begin(), visible[b].end(), 1);
      for (std::int64_t s = 0; s < steps; ++s) {
        const bool real = mask.empty() || mask[b * steps + s] != 0;
        visible[b].push_back(real ? 1 : 0);
        positions.push_back(real ? seen++ : 1);
      }
    }
    return positions;
  }
};

// Turns pairs (i, i + d/2) of every head by the angle position * theta^(-2i/d): the "rotate-half"
// layout of the published weights, not the (2i, 2i+1) of Su et al., arXiv 2104.09864.
// x: [T, heads * d] in place; positions: [T].
template <class Real>
void rotate(Matrix<Real>& x, std::int64_t head_dim, double theta,
            const std::vector<std::int64_t>& positions) {
  const std::int64_t half = head_dim / 2;
#pragma omp parallel for if (x.rows * x.cols > kWorthThreads)
  for (std::int64_t t = 0; t < x.rows; ++t) {
    for (std::int64_t i = 0; i < half; ++i) {
      const double frequency =
          std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
      const double angle = static_cast<double>(positions[t]) * frequency;
      const Real c = static_cast<Real>(std::cos(angle));
      const Real s = static_cast<Real>(std::sin(angle));
      for (Real* head = x.row(t); head < x.row(t) + x.cols; head += head_dim) {
        const Real a = head[i];
        const Real b = head[i + half];
        head[i] = a * c - b * s;
        head[i + half] = b * c + a * s;
      }
    }
  }
}

// Weights of one query over all keys: softmax(q . k_j / sqrt(d)) over the keys j <= `last` that are
// visible. Where there is none the weights are 1/Tk over all keys, future and padded ones too: the
// published models add the lowest finite number instead of -infinity, and so do padding tokens.
template <class Real>
std::vector<Real> attention_weights(const Real* query, const Real* keys, std::int64_t key_stride,
                                    std::int64_t head_dim, std::int64_t last,
                                    const std::vector<std::uint8_t>& visible) {
  const std::size_t key_count = visible.size();
  const Real root = std::sqrt(static_cast<Real>(head_dim));
  std::vector<Real> w(key_count, 0);
  Real most = -std::numeric_limits<Real>::infinity();
  bool any = false;
  for (std::int64_t j = 0; j <= last; ++j) {
    if (visible[j] == 0) continue;
    w[j] = dot(query, keys + j * key_stride, head_dim) / root;
    most = std::max(most, w[j]);
    any = true;
  }
  if (!any) return std::vector<Real>(key_count, 1 / static_cast<Real>(key_count));
  Real sum = 0;
  for (std::int64_t j = 0; j <= last; ++j) {
    if (visible[j] == 0) continue;
    w[j] = std::exp(w[j] - most);
    sum += w[j];
  }
  for (Real& value : w) value /= sum;
  return w;
}

// x: [B * S, H], sequence by sequence, the S newest tokens of each; positions: [B * S].
// Appends their keys and values to the cache and returns the layer's output, [B * S, H].
template <class Real>
Matrix<Real> attention(const AttentionShape& shape, const AttentionWeights& weights,
                       const Matrix<Real>& x, const std::vector<std::int64_t>& positions,
                       KvCache<Real>& cache, std::int64_t layer) {
  Matrix<Real> q = linear(weights.query, x);
  Matrix<Real> k = linear(weights.key, x);
  const Matrix<Real> v = linear(weights.value, x);
  rotate(q, shape.head_dim, shape.rope_theta, positions);
  rotate(k, shape.head_dim, shape.rope_theta, positions);

  auto& held = cache.layers[layer];
  const std::int64_t steps = x.rows / cache.batch;
  for (std::int64_t b = 0; b < cache.batch; ++b) {
    held.keys[b].insert(held.keys[b].end(), k.row(b * steps), k.row(b * steps) + steps * k.cols);
    held.values[b].insert(held.values[b].end(), v.row(b * steps),
                          v.row(b * steps) + steps * v.cols);
  }

  const std::int64_t group = shape.heads / shape.kv_heads;
  Matrix<Real> mixed(x.rows, shape.heads * shape.head_dim);
#pragma omp parallel for collapse(2) schedule(dynamic, 8) if (x.rows * x.cols > kWorthThreads)
  for (std::int64_t t = 0; t < x.rows; ++t) {
    for (std::int64_t n = 0; n < shape.heads; ++n) {
      const std::int64_t b = t / steps;
      const std::int64_t key_count = static_cast<std::int64_t>(cache.visible[b].size());
      const std::int64_t last = key_count - steps + t % steps;
      const std::int64_t column = n / group * shape.head_dim;
      const auto w = attention_weights(q.row(t) + n * shape.head_dim, held.keys[b].data() + column,
                                       k.cols, shape.head_dim, last, cache.visible[b]);
      Real* out = mixed.row(t) + n * shape.head_dim;
      for (std::int64_t j = 0; j < key_count; ++j) {
        if (w[j] == 0) continue;
        const Real* value = held.values[b].data() + j * v.cols + column;
        for (std::int64_t i = 0; i < shape.head_dim; ++i) out[i] += w[j] * value[i];
      }
    }
  }
  return linear(weights.output, mixed);
}

}  // namespace moe::reference
