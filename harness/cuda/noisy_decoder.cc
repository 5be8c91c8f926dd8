#include "harness/cuda/noisy_decoder.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moe::harness {
namespace {

constexpr double kExp = 4;  // roundings: expf is right to two units in the last place

std::span<const float> part(std::span<const float> all, std::int64_t index, std::int64_t size) {
  return all.subspan(static_cast<std::size_t>(index * size), static_cast<std::size_t>(size));
}

template <class Left, class Right>
double dot(const Left* a, const Right* b, std::int64_t n, Rounding32& round) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    sum = round(sum + round(static_cast<double>(a[i]) * static_cast<double>(b[i])));
  }
  return sum;
}

double sigmoid(double x, Rounding32& round) {
  return round(1 / round(1 + round(std::exp(-x), kExp)));
}

Rows swiglu(Rows gate, const Rows& up, Rounding32& round) {
  for (std::size_t i = 0; i < gate.values.size(); ++i) {
    const double silu = round(gate.values[i] * sigmoid(gate.values[i], round));
    gate.values[i] = round(silu * up.values[i]);
  }
  return gate;
}

Rows rms_norm(std::span<const float> weight, double eps, const Rows& x, Rounding32& round) {
  Rows y(x.rows, x.cols);
  for (std::int64_t t = 0; t < x.rows; ++t) {
    const double mean = round(dot(x.row(t), x.row(t), x.cols, round) / static_cast<double>(x.cols));
    const double scale = round(1 / round(std::sqrt(round(mean + round(eps)))));
    for (std::int64_t i = 0; i < x.cols; ++i) {
      const double w = weight[static_cast<std::size_t>(i)];
      y.row(t)[i] = round.stored(round(w * round(x.row(t)[i] * scale)));
    }
  }
  return y;
}

void add(Rows& x, const Rows& y, Rounding32& round) {
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    x.values[i] = round(x.values[i] + y.values[i]);
  }
}

// Over the scores that are `seen`; 0 for the others.
std::vector<double> softmax(std::span<const double> scores, const std::vector<bool>& seen,
                            Rounding32& round) {
  double most = -INFINITY, sum = 0;
  for (std::size_t j = 0; j < scores.size(); ++j) {
    if (seen[j]) most = std::max(most, scores[j]);
  }
  std::vector<double> weights(scores.size());
  for (std::size_t j = 0; j < scores.size(); ++j) {
    if (!seen[j]) continue;
    weights[j] = round(std::exp(round(scores[j] - most)), kExp);
    sum = round(sum + weights[j]);
  }
  for (double& w : weights) w = round(w / sum);
  return weights;
}

// Angles are made in double; their cosines and sines are rounded once.
void rotate(Rows& x, const DecoderDescription& d, const std::vector<std::int64_t>& positions,
            Rounding32& round) {
  const std::int64_t half = d.head_dim / 2;
  for (std::int64_t t = 0; t < x.rows; ++t) {
    for (std::int64_t i = 0; i < half; ++i) {
      const double frequency =
          std::pow(d.rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(d.head_dim));
      const double angle = static_cast<double>(positions[static_cast<std::size_t>(t)]) * frequency;
      const double c = round(std::cos(angle)), s = round(std::sin(angle));
      for (double* head = x.row(t); head < x.row(t) + x.cols; head += d.head_dim) {
        const double a = head[i], b = head[i + half];
        head[i] = round(round(a * c) - round(b * s));
        head[i + half] = round(round(b * c) + round(a * s));
      }
    }
  }
}

struct Tokens {
  std::int64_t steps;
  std::vector<bool> visible;            // [T]
  std::vector<std::int64_t> positions;  // [T]

  Tokens(std::int64_t tokens, std::int64_t batch, std::span<const std::int64_t> mask)
      : steps(tokens / batch) {
    for (std::int64_t t = 0, seen = 0; t < tokens; ++t) {
      if (t % steps == 0) seen = 0;
      const bool real = mask.empty() || mask[static_cast<std::size_t>(t)] != 0;
      visible.push_back(real);
      positions.push_back(real ? seen++ : 1);
    }
  }

  // Which of its sequence's keys token t may see; all where it may see none.
  std::vector<bool> seen_by(std::int64_t t) const {
    const std::int64_t first = t / steps * steps;
    std::vector<bool> seen(static_cast<std::size_t>(steps), false);
    for (std::int64_t j = first; j <= t; ++j) {
      seen[static_cast<std::size_t>(j - first)] = visible[static_cast<std::size_t>(j)];
    }
    return seen;
  }
};

Rows attention(const DecoderDescription& d, const DecoderLayer& l, const Rows& x,
               const Tokens& tokens, Rounding32& round) {
  Rows q = linear(l.query, l.query_bias, x, round), k = linear(l.key, l.key_bias, x, round);
  const Rows v = linear(l.value, l.value_bias, x, round);
  rotate(q, d, tokens.positions, round);
  rotate(k, d, tokens.positions, round);
  const double scale = round(1 / std::sqrt(static_cast<double>(d.head_dim)));
  Rows mixed(x.rows, q.cols);
  for (std::int64_t t = 0; t < x.rows; ++t) {
    const std::int64_t first = t / tokens.steps * tokens.steps;
    auto seen = tokens.seen_by(t);
    const bool none = std::ranges::none_of(seen, std::identity{});
    if (none) seen.assign(seen.size(), true);
    for (std::int64_t n = 0; n < d.heads; ++n) {
      const std::int64_t column = n / (d.heads / d.kv_heads) * d.head_dim;
      const double* query = q.row(t) + n * d.head_dim;
      std::vector<double> scores(seen.size(), 0.0);
      for (std::int64_t j = 0; j < tokens.steps && !none; ++j) {
        const double product = dot(query, k.row(first + j) + column, d.head_dim, round);
        scores[static_cast<std::size_t>(j)] = round(product * scale);
      }
      const auto weights = softmax(scores, seen, round);
      double* out = mixed.row(t) + n * d.head_dim;
      for (std::int64_t j = 0; j < tokens.steps; ++j) {
        for (std::int64_t i = 0; i < d.head_dim; ++i) {
          const double w = weights[static_cast<std::size_t>(j)];
          out[i] = round(out[i] + round(w * v.row(first + j)[column + i]));
        }
      }
    }
  }
  for (double& x : mixed.values) x = round.stored(x);
  return linear(l.output, {}, mixed, round);
}

Rows ffn(std::span<const float> gate, std::span<const float> up, std::span<const float> down,
         const Rows& y, Rounding32& round) {
  Rows inner = swiglu(linear(gate, {}, y, round), linear(up, {}, y, round), round);
  for (double& x : inner.values) x = round.stored(x);
  return linear(down, {}, inner, round);
}

// Every token its best experts by their logits, or those in `chosen`; and their weighted sum.
Rows routed_experts(const DecoderDescription& d, const DecoderLayer& l, const Rows& y,
                    const Rows& logits, std::vector<double>& chosen, Rounding32& round) {
  const MoeShape& s = d.experts;
  const std::int64_t size = s.ffn * s.hidden;
  const bool is_given = !chosen.empty();
  Rows out(y.rows, y.cols);
  for (std::int64_t t = 0; t < y.rows; ++t) {
    const std::span row(logits.row(t), static_cast<std::size_t>(s.experts));
    std::vector<int> order(row.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, [&](int a, int b) { return row[a] > row[b]; });
    order.resize(static_cast<std::size_t>(s.top_k));
    if (is_given) std::copy_n(chosen.begin() + t * s.top_k, s.top_k, order.begin());
    if (!is_given) chosen.insert(chosen.end(), order.begin(), order.end());
    std::vector<bool> counted(row.size(), !s.renormalize);
    for (const int e : order) counted[e] = true;
    const auto weights = softmax(row, counted, round);
    const Rows token(1, y.cols, {y.row(t), y.row(t) + y.cols});
    for (const int e : order) {
      const Rows one = ffn(part(l.experts->gate, e, size), part(l.experts->up, e, size),
                           part(l.experts->down, e, size), token, round);
      for (std::int64_t i = 0; i < y.cols; ++i) {
        out.row(t)[i] = round(out.row(t)[i] + round(weights[e] * round.stored(one.values[i])));
      }
    }
  }
  return out;
}

// sigmoid(gate . y) weighs each token's row.
void weigh(Rows& rows, std::span<const float> gate, const Rows& y, Rounding32& round) {
  const Rows logits = linear(gate, {}, y, round);
  for (std::int64_t t = 0; t < rows.rows; ++t) {
    const double weight = sigmoid(logits.row(t)[0], round);
    for (std::int64_t i = 0; i < rows.cols; ++i) rows.row(t)[i] = round(weight * rows.row(t)[i]);
  }
}

}  // namespace

Rows linear(std::span<const float> weight, std::span<const float> bias, const Rows& x,
            Rounding32& round) {
  const std::int64_t outs = static_cast<std::int64_t>(weight.size()) / x.cols;
  Rows y(x.rows, outs);
  for (std::int64_t t = 0; t < x.rows; ++t) {
    for (std::int64_t o = 0; o < outs; ++o) {
      const double sum = dot(weight.data() + o * x.cols, x.row(t), x.cols, round);
      y.row(t)[o] = bias.empty() ? sum : round(sum + bias[static_cast<std::size_t>(o)]);
    }
  }
  return y;
}

Rows embed_points(const DecoderDescription& d, const Rows& points, Rounding32& round) {
  return swiglu(linear(d.embed_gate, {}, points, round), linear(d.embed, {}, points, round), round);
}

Rows embed_words(const DecoderDescription& d, std::span<const std::int64_t> words) {
  Rows h(static_cast<std::int64_t>(words.size()), d.hidden);
  for (std::int64_t t = 0; t < h.rows; ++t) {
    std::ranges::copy(part(d.embed, words[static_cast<std::size_t>(t)], d.hidden), h.row(t));
  }
  return h;
}

Rows noisy_decoder(const DecoderDescription& d, Rows h, std::int64_t batch,
                   std::span<const std::int64_t> mask, Rounding32& round, Named& notes) {
  const Tokens tokens(h.rows, batch, mask);
  for (std::size_t index = 0; index < d.layers.size(); ++index) {
    const DecoderLayer& l = d.layers[index];
    const std::string name = std::to_string(index);
    add(h, attention(d, l, rms_norm(l.input_norm, d.norm_eps, h, round), tokens, round), round);
    const Rows y = rms_norm(l.post_attention_norm, d.norm_eps, h, round);
    if (l.experts != nullptr) {
      const Rows logits = linear(l.router, {}, y, round);
      add(h, routed_experts(d, l, y, logits, notes["experts " + name], round), round);
      notes["logits " + name] = logits.values;
    }
    if (l.ffn.width == 0) continue;
    Rows dense = ffn(l.ffn.gate, l.ffn.up, l.ffn.down, y, round);
    if (!l.shared_gate.empty()) weigh(dense, l.shared_gate, y, round);
    add(h, dense, round);
  }
  const Rows hidden = rms_norm(d.norm, d.norm_eps, h, round);
  notes["hidden"] = hidden.values;
  return hidden;
}

std::map<std::string, Spread> spread(const std::function<Named(Rounding32&)>& program,
                                     DType stored) {
  constexpr std::uint64_t kRuns = 32;
  std::map<std::string, Spread> out;
  for (std::uint64_t seed = 0; seed <= kRuns; ++seed) {
    Rounding32 round(seed, stored);
    for (auto& [name, values] : program(round)) {
      Spread& s = out[name];
      if (seed == 0) {
        s.deviation.assign(values.size(), 0);
        s.value = std::move(values);
        continue;
      }
      for (std::size_t i = 0; i < values.size(); ++i) {
        const double off = values[i] - s.value[i];
        s.deviation[i] += off * off / static_cast<double>(kRuns);
      }
    }
  }
  for (auto& [name, s] : out) {
    for (double& d : s.deviation) d = std::sqrt(d);
  }
  return out;
}

}  // namespace moe::harness
