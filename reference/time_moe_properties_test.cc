#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "reference/golden_models_for_tests.h"

// What has to hold of Time-MoE whatever the numbers are. Rows never share a sum, so most of these
// hold to the last bit.
namespace moe::reference {
namespace {

// Two orders of the same sum of n products of size m differ by at most 2 n u m, u = 2^-53. Through
// the tiny model's 16 to 24 wide sums, values of at most 10 and two layers that is below 1e-12.
constexpr double kOtherOrder = 1e-12;

const TimeMoe& model() {
  static const TimeMoe m = tiny_time_moe();
  return m;
}

Matrix<double> points(std::int64_t rows) {
  const auto v = golden_values("points", 0, 2, rows);
  return {rows, 1, {v.begin(), v.end()}};
}

DecoderOutput<double> forward(const TimeMoe& m, const Matrix<double>& x, std::int64_t batch,
                              const std::vector<std::int64_t>& mask = {},
                              const RoutedExperts<double>& experts = naive_experts<double>()) {
  KvCache<double> cache = empty_cache<double>(m, batch);
  return time_moe_forward(m, x, mask, cache, experts);
}

std::vector<double> rows(const Matrix<double>& m, std::int64_t begin, std::int64_t end) {
  return {m.row(begin), m.row(begin) + (end - begin) * m.cols};
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b, double bound) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], bound) << "at " << i;
}

// silu(gate x) * (up x), then down, spelled out once more and differently from the model's.
std::vector<double> one_expert(const MoeShape& s, const ExpertWeights& w, std::int64_t e,
                               std::span<const double> x) {
  std::vector<double> y(s.hidden, 0);
  for (std::int64_t f = 0; f < s.ffn; ++f) {
    double g = 0;
    double u = 0;
    for (std::int64_t i = 0; i < s.hidden; ++i) {
      g += double{w.gate[(e * s.ffn + f) * s.hidden + i]} * x[i];
      u += double{w.up[(e * s.ffn + f) * s.hidden + i]} * x[i];
    }
    const double h = g / (1 + std::exp(-g)) * u;
    for (std::int64_t i = 0; i < s.hidden; ++i) y[i] += w.down[(e * s.hidden + i) * s.ffn + f] * h;
  }
  return y;
}

// Runs the model and compares the routed part of every layer with sum over e of p[e] expert_e(x).
template <class Probability>
void expect_routed_part(const TimeMoe& m, Probability&& p) {
  int layers = 0;
  const auto naive = naive_experts<double>();
  forward(m, points(6), 1, {},
          [&](std::int64_t layer, const MoeShape& s, const ExpertWeights& w,
              MatrixView<const double> x, MatrixView<const double> logits) {
            auto out = naive(layer, s, w, x, logits);
            for (std::int64_t t = 0; t < x.rows; ++t) {
              std::vector<double> want(s.hidden, 0);
              for (std::int64_t e = 0; e < s.experts; ++e) {
                const double weight = p(logits.row(t), e);
                const auto y = one_expert(s, w, e, x.row(t));
                for (std::int64_t i = 0; i < s.hidden; ++i) want[i] += weight * y[i];
              }
              expect_near({out.y.begin() + t * s.hidden, out.y.begin() + (t + 1) * s.hidden}, want,
                          kOtherOrder);
            }
            ++layers;
            return out;
          });
  EXPECT_EQ(layers, 2);
}

double softmax(std::span<const double> logits, std::int64_t e) {
  double sum = 0;
  for (const double l : logits) sum += std::exp(l - logits[e]);
  return 1 / sum;
}

TEST(TimeMoeProperties, GenerationWithACacheEqualsRecomputing) {
  const Matrix<double> context(1, 6, points(6).values);
  const auto cached = time_moe_generate(model(), context, {}, 13);
  std::vector<double> series = context.values;
  for (const std::int64_t step : cached.steps) {
    const auto n = static_cast<std::int64_t>(series.size());
    const auto pass = forward(model(), Matrix<double>(n, 1, series), 1);
    const auto j = choose_head(model().config.horizon_lengths, 6 + 13 - n);
    const auto head = time_moe_head(model(), j, last_rows(pass.hidden, 1));
    ASSERT_EQ(head.cols, step);
    series.insert(series.end(), head.values.begin(), head.values.end());
  }
  EXPECT_EQ(cached.sequence.values, series);
}

TEST(TimeMoeProperties, APointChangesNothingBeforeIt) {
  Matrix<double> x = points(8);
  const auto before = forward(model(), x, 1).hidden;
  x.values[5] += 1;
  const auto after = forward(model(), x, 1).hidden;
  EXPECT_EQ(rows(before, 0, 5), rows(after, 0, 5));
  for (std::int64_t t = 5; t < 8; ++t) EXPECT_NE(rows(before, t, t + 1), rows(after, t, t + 1));
}

TEST(TimeMoeProperties, TheOrderOfExpertsDoesNotMatter) {
  TimeMoe shuffled = model();
  const std::vector<std::int64_t> order{2, 0, 3, 1};
  for (TimeMoeLayer& layer : shuffled.layers) {
    const TimeMoeLayer old = layer;
    const auto move = [&](std::vector<float>& to, const std::vector<float>& from) {
      const auto n = static_cast<std::int64_t>(from.size() / order.size());
      for (std::int64_t e = 0; e < 4; ++e) {
        std::copy_n(from.begin() + order[e] * n, n, to.begin() + e * n);
      }
    };
    move(layer.router.weight, old.router.weight);
    move(layer.experts.gate, old.experts.gate);
    move(layer.experts.up, old.experts.up);
    move(layer.experts.down, old.experts.down);
  }
  const auto a = forward(model(), points(6), 1);
  const auto b = forward(shuffled, points(6), 1);
  EXPECT_NE(a.routing[0].expert, b.routing[0].expert);
  expect_near(a.hidden.values, b.hidden.values, kOtherOrder);
}

TEST(TimeMoeProperties, WithEveryExpertChosenTheOutputIsTheDenseMixture) {
  TimeMoe all = model();
  all.config.num_experts_per_tok = 4;
  expect_routed_part(all, softmax);
}

TEST(TimeMoeProperties, AnUndecidedRouterTakesTheFirstExpertsAtOneOverE) {
  TimeMoe undecided = model();
  for (TimeMoeLayer& l : undecided.layers) std::ranges::fill(l.router.weight, 0.0F);
  expect_routed_part(undecided, [](auto, std::int64_t e) { return e < 2 ? 0.25 : 0.0; });
}

TEST(TimeMoeProperties, RoutingWeightsAreNotRenormalised) {
  const auto out = forward(model(), points(6), 1);
  for (std::int64_t t = 0; t < 6; ++t) {
    const auto& w = out.routing[0].weight;
    EXPECT_LT(w[2 * t] + w[2 * t + 1], 1);
  }
}

TEST(TimeMoeProperties, OtherSeriesOfTheBatchDoNotMatter) {
  const Matrix<double> two = points(12);
  const auto together = forward(model(), two, 2).hidden;
  const auto alone = forward(model(), Matrix<double>(6, 1, rows(two, 6, 12)), 1).hidden;
  EXPECT_EQ(rows(together, 6, 12), alone.values);
}

TEST(TimeMoeProperties, LeftPaddingDoesNotChangeThePointsAfterIt) {
  const Matrix<double> x = points(4);
  Matrix<double> padded(7, 1, {9, -9, 9});
  padded.values.insert(padded.values.end(), x.values.begin(), x.values.end());
  const auto plain = forward(model(), x, 1).hidden;
  const auto behind = forward(model(), padded, 1, {0, 0, 0, 1, 1, 1, 1}).hidden;
  EXPECT_EQ(rows(behind, 3, 7), plain.values);
}

TEST(TimeMoeProperties, AFullyMaskedPointLooksAtAllPointsAlike) {
  const std::vector<double> query{1, 2};
  const std::vector<double> keys{1, 0, 0, 1, 5, 5, 7, 7};
  EXPECT_EQ(attention_weights(query.data(), keys.data(), 2, 2, 1, {0, 0, 1, 1}),
            std::vector<double>(4, 0.25));
}

TEST(TimeMoeProperties, AFirstHeadThatIsTooLongIsCut) {
  TimeMoeConfig config = tiny_time_moe_config();
  config.horizon_lengths = {4, 8};
  const TimeMoe m = make_time_moe(config, golden_weights());
  const auto out = time_moe_generate(m, Matrix<double>(1, 6, points(6).values), {}, 3);
  EXPECT_EQ(out.steps, std::vector<std::int32_t>{3});
  EXPECT_EQ(out.sequence.cols, 9);
}

TEST(TimeMoeProperties, RouterLogitsThatOverflowAreRefused) {
  TimeMoe broken = model();
  broken.layers[1].router.weight[0] = std::nanf("");
  EXPECT_THROW(forward(broken, points(2), 1), UserError);
}

}  // namespace
}  // namespace moe::reference
