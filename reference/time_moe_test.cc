#include "reference/time_moe.h"

#include <gtest/gtest.h>

#include <map>

#include "reference/golden_models_for_tests.h"
#include "reference/losses.h"

// Every number of testdata/golden_time_moe.json, in both precisions.
namespace moe::reference {
namespace {

// The file's numbers were computed in double and printed with 9 decimals. Half a unit of the last
// of them explains 0.5e-9, the order of double sums nothing that shows; floats have 24 bits and
// values of a few units pass two layers.
template <class Real>
constexpr double kTolerance = std::is_same_v<Real, double> ? 1e-9 : 2e-5;

template <class Real>
class TimeMoeGolden : public testing::Test {
 protected:
  void expect_near(const std::vector<Real>& got, const nlohmann::json& want,
                   const std::string& what) {
    const auto w = numbers<double>(want);
    ASSERT_EQ(got.size(), w.size()) << what;
    for (std::size_t i = 0; i < w.size(); ++i) {
      ASSERT_NEAR(static_cast<double>(got[i]), w[i], kTolerance<Real>) << what << " at " << i;
    }
  }
  static std::vector<Real> slice(const Matrix<Real>& m, std::int64_t row, std::int64_t begin,
                                 std::int64_t n) {
    return {m.row(row) + begin, m.row(row) + begin + n};
  }
  DecoderOutput<Real> forward(const TimeMoe& m, const std::vector<std::int64_t>& mask) {
    KvCache<Real> cache = empty_cache<Real>(m, 2);
    return time_moe_forward(m, points(), mask, cache);
  }
  static Matrix<Real> points() { return {12, 1, golden_series<Real>("input", 2)}; }
  static Matrix<Real> labels() { return {12, 1, golden_series<Real>("labels", 5)}; }

  // The loss of every head, and their mean.
  std::vector<Real> losses(const TimeMoe& m, const DecoderOutput<Real>& out,
                           const std::vector<Real>& mask, double& mean) {
    std::vector<Real> all;
    mean = 0;
    for (std::size_t j = 0; j < m.heads.size(); ++j) {
      const double loss = horizon_loss(time_moe_head(m, j, out.hidden), labels(), mask, 2);
      all.push_back(static_cast<Real>(loss));
      mean += loss / static_cast<double>(m.heads.size());
    }
    return all;
  }

  const nlohmann::json golden = read_golden("golden_time_moe.json");
  const TimeMoe model = tiny_time_moe();
};
using Precisions = testing::Types<double, float>;
TYPED_TEST_SUITE(TimeMoeGolden, Precisions);

TYPED_TEST(TimeMoeGolden, SeriesAreTheGenerators) {
  EXPECT_EQ(std::to_string(fnv1a("input")), this->golden["fnv1a_input"]);
  this->expect_near(this->points().values, this->golden["input"], "input");
  this->expect_near(this->labels().values, this->golden["labels"], "labels");
}

TYPED_TEST(TimeMoeGolden, WeightsBeginAsWritten) {
  std::map<std::string, std::vector<float>> seen;
  std::int64_t parameters = 0;
  const TensorSource golden_source = golden_weights();
  make_time_moe(tiny_time_moe_config(), [&](const WeightTensor& t) {
    parameters += t.elements();
    return seen[t.name] = golden_source(t);
  });
  EXPECT_EQ(seen.size(), this->golden["num_tensors"].template get<std::size_t>());
  EXPECT_EQ(parameters, this->golden["num_params"].template get<std::int64_t>());
  for (const auto& [name, want] : this->golden["first_weights"].items()) {
    ASSERT_TRUE(seen.contains(name)) << name;
    this->expect_near({seen[name].begin(), seen[name].begin() + 3}, want, name);
  }
}

TYPED_TEST(TimeMoeGolden, EmbeddingFirstNormAndRotation) {
  const TimeMoe& m = this->model;
  const auto e = time_moe_embed(m, this->points());
  const auto n = rms_norm(m.layers[0].input_norm, m.config.rms_norm_eps, e);
  auto q = linear(m.layers[0].attention.query, n);
  this->expect_near(this->slice(e, 0, 0, 16), this->golden["embed_b0_t0"], "embedding");
  this->expect_near(this->slice(n, 0, 0, 16), this->golden["ln1_b0_t0"], "norm");
  this->expect_near(this->slice(q, 3, 4, 4), this->golden["q_prerope_b0_t3_head1"], "q");
  rotate(q, 4, m.config.rope_theta, {0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5});
  this->expect_near(this->slice(q, 3, 4, 4), this->golden["q_rope_b0_t3_head1"], "rotated q");
}

TYPED_TEST(TimeMoeGolden, RouterLogitsAndSelections) {
  const auto out = this->forward(this->model, {});
  for (int l = 0; l < 2; ++l) {
    this->expect_near(out.router_logits[l].values, this->golden["router_logits"][l], "logits");
    EXPECT_EQ(out.routing[l].expert,
              numbers<std::int32_t>(this->golden["selected_experts_desc"][l]));
  }
}

TYPED_TEST(TimeMoeGolden, HiddenStatesAndEveryHead) {
  const auto out = this->forward(this->model, {});
  this->expect_near(out.hidden.values, this->golden["final_norm_hidden"], "hidden");
  for (std::size_t j = 0; j < 3; ++j) {
    const auto h = std::to_string(this->model.config.horizon_lengths[j]);
    this->expect_near(time_moe_head(this->model, j, out.hidden).values, this->golden["head_out"][h],
                      "head " + h);
  }
}

TYPED_TEST(TimeMoeGolden, GenerationAndItsSteps) {
  const Matrix<TypeParam> context(2, 6, golden_series<TypeParam>("input", 2));
  const auto out = time_moe_generate(this->model, context, {}, 13);
  EXPECT_EQ(out.steps, numbers<std::int32_t>(this->golden["gen13_steps"]));
  for (int b = 0; b < 2; ++b) {
    this->expect_near(this->slice(out.sequence, b, 0, 6), this->golden["input"][b], "context");
    this->expect_near(this->slice(out.sequence, b, 6, 13), this->golden["gen13"][b], "forecast");
  }
}

TYPED_TEST(TimeMoeGolden, LossesWithoutMask) {
  const auto out = this->forward(this->model, {});
  double mean = 0;
  this->expect_near(this->losses(this->model, out, {}, mean), this->golden["ar_loss_nomask"],
                    "heads");
  const double aux = load_balancing_loss(out.router_logits, 2, {});
  EXPECT_NEAR(aux, this->golden["aux_pooled"].template get<double>(), kTolerance<TypeParam>);
  EXPECT_NEAR(mean + 0.02 * aux, this->golden["total_nomask"].template get<double>(),
              kTolerance<TypeParam>);
  for (int l = 0; l < 2; ++l) {
    EXPECT_NEAR(load_balancing_loss<TypeParam>({out.router_logits[l]}, 2, {}),
                this->golden["aux_per_layer"][l].template get<double>(), kTolerance<TypeParam>);
  }
}

TYPED_TEST(TimeMoeGolden, LossesWithMask) {
  const auto out = this->forward(this->model, {});
  double mean = 0;
  this->expect_near(
      this->losses(this->model, out, numbers<TypeParam>(this->golden["loss_masks"]), mean),
      this->golden["ar_loss_mask"], "heads");
  EXPECT_NEAR(mean + 0.02 * load_balancing_loss(out.router_logits, 2, {}),
              this->golden["total_mask"].template get<double>(), kTolerance<TypeParam>);
}

TYPED_TEST(TimeMoeGolden, LeftPadding) {
  const auto& want = this->golden["leftpad"];
  const auto mask = numbers<std::int64_t>(want["attention_mask"]);
  KvCache<TypeParam> cache = empty_cache<TypeParam>(this->model, 2);
  EXPECT_EQ(cache.extend(6, mask), numbers<std::int64_t>(want["position_ids"]));
  const auto out = this->forward(this->model, mask);
  this->expect_near(out.hidden.values, want["hidden"], "hidden");
  for (int l = 0; l < 2; ++l) {
    EXPECT_EQ(out.routing[l].expert, numbers<std::int32_t>(want["selected"][l]));
  }
  double mean = 0;
  this->losses(this->model, out, {}, mean);
  const double aux = load_balancing_loss(out.router_logits, 2, mask);
  EXPECT_NEAR(aux, want["aux_masked"].template get<double>(), kTolerance<TypeParam>);
  EXPECT_NEAR(mean + 0.02 * aux, want["total_nolossmask"].template get<double>(),
              kTolerance<TypeParam>);
}

TYPED_TEST(TimeMoeGolden, DenseVariant) {
  TimeMoeConfig config = tiny_time_moe_config();
  config.use_dense = true;
  config.apply_aux_loss = false;
  const TimeMoe dense = make_time_moe(config, golden_weights());
  const auto out = this->forward(dense, {});
  EXPECT_TRUE(out.router_logits.empty());
  const auto head8 = time_moe_head(dense, 2, out.hidden);
  for (int b = 0; b < 2; ++b) {
    this->expect_near(this->slice(head8, b * 6 + 5, 0, 8), this->golden["dense"]["head8_last"][b],
                      "head 8");
  }
  double mean = 0;
  this->expect_near(this->losses(dense, out, {}, mean), this->golden["dense"]["ar_loss_nomask"],
                    "losses");
  std::int64_t parameters = 0;
  make_time_moe(config, [&](const WeightTensor& t) {
    parameters += t.elements();
    return std::vector<float>{};
  });
  EXPECT_EQ(parameters, this->golden["dense"]["num_params"].template get<std::int64_t>());
}

TEST(ChooseHead, FollowsTheGoldenTable) {
  const auto golden = read_golden("golden_time_moe.json");
  const auto horizons = numbers<std::int64_t>(golden["config"]["horizon_lengths"]);
  for (const auto& [asked, want] : golden["head_choice"].items()) {
    const auto remaining =
        asked == "None" ? std::nullopt : std::optional<std::int64_t>(std::stoll(asked));
    EXPECT_EQ(horizons[choose_head(horizons, remaining)], want.get<std::int64_t>()) << asked;
  }
}

TEST(ChooseHead, SchedulesThePublishedHorizons) {
  const std::vector<std::int64_t> horizons{1, 8, 32, 64};
  const auto schedule = [&](std::int64_t remaining) {
    std::vector<std::int64_t> steps;
    for (; remaining > 0; remaining -= steps.back()) {
      steps.push_back(horizons[choose_head(horizons, remaining)]);
    }
    return steps;
  };
  EXPECT_EQ(schedule(96), (std::vector<std::int64_t>{64, 32}));
  EXPECT_EQ(schedule(192), (std::vector<std::int64_t>{64, 64, 64}));
  EXPECT_EQ(schedule(336), (std::vector<std::int64_t>{64, 64, 64, 64, 64, 8, 8}));
  EXPECT_EQ(schedule(720).size(), 13U);
  EXPECT_EQ(schedule(100), (std::vector<std::int64_t>{64, 32, 1, 1, 1, 1}));
}

}  // namespace
}  // namespace moe::reference
