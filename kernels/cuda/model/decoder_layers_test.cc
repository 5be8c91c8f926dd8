#include <cmath>
#include <vector>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/testing.h"
#include "kernels/cuda/model/add_norm.h"
#include "kernels/cuda/model/embed.h"
#include "kernels/cuda/model/rotary.h"

// The small layers against double on the host. Bounds count roundings: u is half a unit in the last
// place, a sum of n terms is off by n u of their magnitudes in any order (Higham, section 3.1), and
// expf by 2 ulp = 4 u.
namespace moe::cuda {
namespace {

using simt::cuda_tests::near;
using simt::cuda_tests::same;
using testing::DeviceArray;
using testing::expect_right;
using testing::Numbers;
constexpr double kUnit = simt::cuda_tests::kFloatUnit;

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

std::string embed_series(std::int64_t tokens, std::int64_t channels, std::int64_t hidden) {
  Numbers numbers(1);
  const auto x = numbers.floats(size(tokens * channels));
  const auto gate = numbers.floats(size(hidden * channels));
  const auto value = numbers.floats(size(hidden * channels));
  DeviceArray<float> dx(x), dgate(gate), dvalue(value), h(size(tokens * hidden));
  embed_points({dx, dgate, dvalue, tokens, channels, hidden, h}, stream());
  check(cudaStreamSynchronize(stream()));

  std::vector<double> want, bound;
  for (std::int64_t t = 0; t < tokens; ++t) {
    for (std::int64_t i = 0; i < hidden; ++i) {
      double g = 0, v = 0, g_size = 0, v_size = 0;
      for (std::int64_t c = 0; c < channels; ++c) {
        const double gx = double{gate[size(i * channels + c)]} * x[size(t * channels + c)];
        const double vx = double{value[size(i * channels + c)]} * x[size(t * channels + c)];
        g += gx, g_size += std::fabs(gx);
        v += vx, v_size += std::fabs(vx);
      }
      const double silu = g * sigmoid(g), n = static_cast<double>(channels);
      want.push_back(silu * v);
      // |silu'| < 1.1; exp, sum, quotient and product are 4 + 1 + 1 + 1 roundings.
      bound.push_back(kUnit * (1.1 * n * g_size * std::fabs(v) + std::fabs(silu) * n * v_size +
                               8 * std::fabs(silu * v)) +
                      1e-30);
    }
  }
  return near(h.get(), want, bound, "embedding");
}

TEST(EmbedPoints, IsTheGatedProduct) {
  expect_right([] { return embed_series(5, 1, 16); });
  expect_right([] { return embed_series(2, 3, 200); });
}

TEST(EmbedWords, CopiesRowsOfTheTable) {
  expect_right([] {
    const std::vector<std::int32_t> words{3, 0, 6, 3};
    const auto table = Numbers(2).floats(7 * 20);
    DeviceArray<std::int32_t> dwords(words);
    DeviceArray<float> dtable(table), h(4 * 20);
    embed_words({dwords, dtable, 4, 20, h}, stream());
    check(cudaStreamSynchronize(stream()));
    std::vector<float> want;
    for (const auto w : words) {
      want.insert(want.end(), table.begin() + w * 20, table.begin() + (w + 1) * 20);
    }
    return same(h.get(), want);
  });
}

// ---- add_norm

struct Terms {
  bool added, shared, rounded;
};

std::string add_and_norm(std::int64_t tokens, std::int64_t hidden, Terms terms) {
  constexpr float kEps = 1e-5f;
  constexpr std::int64_t kLogitStride = 4;
  Numbers numbers(3);
  const auto h0 = numbers.floats(size(tokens * hidden)), a = numbers.floats(size(tokens * hidden));
  const auto s = numbers.floats(size(tokens * hidden)), w = numbers.floats(size(hidden));
  const auto logits = numbers.floats(size(tokens * kLogitStride));
  DeviceArray<float> h(h0), added(a), shared(s), weight(w), logit(logits);
  DeviceArray<float> y(size(tokens * hidden));
  DeviceArray<__nv_bfloat16> y16(size(tokens * hidden));
  add_norm({.h = h,
            .added = terms.added ? added.data() : nullptr,
            .shared = terms.shared ? shared.data() : nullptr,
            .shared_logit = logit,
            .shared_logit_stride = kLogitStride,
            .weight = weight,
            .eps = kEps,
            .tokens = tokens,
            .hidden = hidden,
            .y = y,
            .y16 = terms.rounded ? y16.data() : nullptr},
           stream());
  check(cudaStreamSynchronize(stream()));

  std::vector<double> sums, sum_bounds, want, bound;
  const double n = static_cast<double>(hidden);
  for (std::int64_t t = 0; t < tokens; ++t) {
    const double gate = sigmoid(logits[size(t * kLogitStride)]);
    double squares = 0, squares_off = 0;
    for (std::int64_t i = 0; i < hidden; ++i) {
      const std::size_t at = size(t * hidden + i);
      const double more = terms.added ? a[at] : 0, gated = terms.shared ? gate * s[at] : 0;
      const double v = h0[at] + more + gated;
      const double off = kUnit * (3 * (std::fabs(h0[at]) + std::fabs(more)) + 9 * std::fabs(gated));
      sums.push_back(v), sum_bounds.push_back(off);
      squares += v * v;
      squares_off += 2 * std::fabs(v) * off + (n + 1) * kUnit * v * v;
    }
    const double scale = 1 / std::sqrt(squares / n + kEps);
    // 1 / sqrt halves the relative error; mean, sum, root and reciprocal round four times.
    const double scale_off = 0.5 * squares_off / squares + 4 * kUnit;
    for (std::int64_t i = 0; i < hidden; ++i) {
      const std::size_t at = size(t * hidden + i);
      const double value = w[size(i)] * sums[at] * scale;
      want.push_back(value);
      bound.push_back(std::fabs(w[size(i)]) * scale * sum_bounds[at] +
                      std::fabs(value) * (scale_off + 2 * kUnit + (terms.rounded ? 0x1p-8 : 0)) +
                      1e-30);
    }
  }
  std::string wrong = near(h.get(), sums, sum_bounds, "sum");
  if (wrong.empty()) wrong = near(y.get(), want, bound, "norm");
  if (!wrong.empty() || !terms.rounded) return wrong;
  std::vector<float> widened;
  for (const __nv_bfloat16 v : y16.get()) widened.push_back(__bfloat162float(v));
  return same(widened, y.get(), "bf16");
}

TEST(AddNorm, AddsNothingWhereNothingIsGiven) {
  expect_right([] { return add_and_norm(3, 16, {false, false, false}); });
}
TEST(AddNorm, AddsBothTermsBeforeItNormalises) {
  expect_right([] { return add_and_norm(3, 16, {true, true, false}); });
}
TEST(AddNorm, AddsTheSharedExpertAlone) {
  expect_right([] { return add_and_norm(2, 132, {false, true, false}); });
}
TEST(AddNorm, RowsWiderThanTheBlockAndRoundedToBf16) {
  expect_right([] { return add_and_norm(2, 1040, {true, true, true}); });
}

// ---- rotate_and_keep

struct Heads {
  int heads, kv_heads, head_dim, batch, steps, past;
  bool biased;
};

std::string rotate(const Heads& c) {
  const int capacity = c.past + c.steps + 2, tokens = c.batch * c.steps;
  const int width = (c.heads + 2 * c.kv_heads) * c.head_dim, half = c.head_dim / 2;
  Numbers numbers(4);
  const auto qkv0 = numbers.floats(size(tokens * width)), bias0 = numbers.floats(size(width));
  std::vector<std::int32_t> positions;
  for (int t = 0; t < tokens; ++t) positions.push_back(numbers.below(capacity));
  std::vector<float> cosines, sines;
  for (int p = 0; p < capacity; ++p) {
    for (int i = 0; i < half; ++i) {
      const double angle = p * std::pow(10000.0, -2.0 * i / c.head_dim);
      cosines.push_back(static_cast<float>(std::cos(angle)));
      sines.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  const std::size_t cached = size(c.batch * c.kv_heads * capacity * c.head_dim);
  std::vector<float> keys0(cached, -7.0f), values0(cached, -7.0f);
  DeviceArray<float> qkv(qkv0), bias(bias0), dcos(cosines), dsin(sines), keys(keys0),
      values(values0);
  DeviceArray<std::int32_t> dpositions(positions);
  rotate_and_keep({qkv,
                   c.biased ? bias.data() : nullptr,
                   dpositions,
                   dcos,
                   dsin,
                   c.heads,
                   c.kv_heads,
                   c.head_dim,
                   c.batch,
                   c.steps,
                   c.past,
                   {keys, values, capacity}},
                  stream());
  check(cudaStreamSynchronize(stream()));

  auto as_double = [](const std::vector<float>& v) {
    return std::vector<double>(v.begin(), v.end());
  };
  auto want_q = as_double(qkv0), want_k = as_double(keys0), want_v = as_double(values0);
  for (int t = 0; t < tokens; ++t) {
    for (int at = 0; at < width; ++at) {
      const int head = at / c.head_dim, i = at % c.head_dim, pair = i % half;
      const auto biased = [&](int which) {
        const int column = head * c.head_dim + which;
        return double{qkv0[size(t * width + column)]} + (c.biased ? bias0[size(column)] : 0.0f);
      };
      const double angle_cos = cosines[size(positions[size(t)] * half + pair)];
      const double angle_sin = sines[size(positions[size(t)] * half + pair)];
      const double turned = i < half ? biased(i) * angle_cos - biased(i + half) * angle_sin
                                     : biased(i) * angle_cos + biased(i - half) * angle_sin;
      const int kv_head = (head - c.heads) % c.kv_heads;
      const int row = (t / c.steps * c.kv_heads + kv_head) * capacity + c.past + t % c.steps;
      if (head < c.heads) {
        want_q[size(t * width + at)] = turned;
      } else if (head < c.heads + c.kv_heads) {
        want_k[size(row * c.head_dim + i)] = turned;
      } else {
        want_v[size(row * c.head_dim + i)] = biased(i);
      }
    }
  }
  // Numbers below 2, tables below 1: a bias, two products and a sum of at most 4.
  const auto off = [](std::size_t n) { return std::vector<double>(n, 10 * kUnit); };
  return simt::cuda_tests::first_of({near(qkv.get(), want_q, off(want_q.size()), "q"),
                                     near(keys.get(), want_k, off(want_k.size()), "key"),
                                     near(values.get(), want_v, off(want_v.size()), "value")});
}

TEST(RotateAndKeep, TurnsHeadsAndFillsTheCache) {
  expect_right([] { return rotate({4, 2, 4, 2, 6, 0, true}); });
}
TEST(RotateAndKeep, GoesOnBehindThePast) {
  expect_right([] { return rotate({2, 1, 32, 2, 1, 9, false}); });
}
TEST(RotateAndKeep, MorePairsThanThreads) {
  expect_right([] { return rotate({6, 2, 128, 1, 2, 1, true}); });
}

}  // namespace
}  // namespace moe::cuda
