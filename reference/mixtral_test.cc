#include "reference/mixtral.h"

#include <gtest/gtest.h>

#include "reference/golden_models_for_tests.h"
#include "reference/losses.h"

// Every number of testdata/golden_mixtral.json, in both precisions.
namespace moe::reference {
namespace {

// As in time_moe_test.cc: 9 printed decimals, and what floats can hold.
template <class Real>
constexpr double kTolerance = std::is_same_v<Real, double> ? 1e-9 : 2e-5;

template <class Real>
class MixtralGolden : public testing::Test {
 protected:
  void expect_near(const std::vector<Real>& got, const nlohmann::json& want,
                   const std::string& what) {
    const auto w = numbers<double>(want);
    ASSERT_EQ(got.size(), w.size()) << what;
    for (std::size_t i = 0; i < w.size(); ++i) {
      ASSERT_NEAR(static_cast<double>(got[i]), w[i], kTolerance<Real>) << what << " at " << i;
    }
  }
  void expect_near(double got, const nlohmann::json& want) {
    EXPECT_NEAR(got, want.get<double>(), kTolerance<Real>);
  }
  DecoderOutput<Real> forward() {
    KvCache<Real> cache = empty_cache<Real>(model, 2);
    return mixtral_forward(model, ids, {}, cache);
  }

  const nlohmann::json golden = read_golden("golden_mixtral.json");
  const Mixtral model = tiny_mixtral();
  const std::vector<std::int64_t> ids = numbers<std::int64_t>(golden["input_ids"]);
};
using Precisions = testing::Types<double, float>;
TYPED_TEST_SUITE(MixtralGolden, Precisions);

TYPED_TEST(MixtralGolden, ParameterCount) {
  std::int64_t parameters = 0;
  make_mixtral(tiny_mixtral_config(), [&](const WeightTensor& t) {
    parameters += t.elements();
    return std::vector<float>{};
  });
  EXPECT_EQ(parameters, this->golden["num_params"].template get<std::int64_t>());
}

TYPED_TEST(MixtralGolden, RouterLogitsSelectionsAndWeights) {
  const auto out = this->forward();
  for (int l = 0; l < 2; ++l) {
    this->expect_near(out.router_logits[l].values, this->golden["router_logits"][l], "logits");
    this->expect_near(out.routing[l].weight, this->golden["weights"][l], "weights");
    EXPECT_EQ(out.routing[l].expert, numbers<std::int32_t>(this->golden["selected_desc"][l]));
  }
}

TYPED_TEST(MixtralGolden, LogitsAndTheMostLikelyWords) {
  const auto logits = mixtral_logits(this->model, this->forward().hidden);
  this->expect_near(logits.values, this->golden["logits"], "logits");
  std::vector<std::int64_t> best;
  for (std::int64_t t = 0; t < logits.rows; ++t) {
    best.push_back(std::max_element(logits.row(t), logits.row(t) + 23) - logits.row(t));
  }
  EXPECT_EQ(best, numbers<std::int64_t>(this->golden["argmax"]));
}

TYPED_TEST(MixtralGolden, Losses) {
  const auto out = this->forward();
  const double ce = next_token_loss(mixtral_logits(this->model, out.hidden), this->ids, 2);
  const double aux = load_balancing_loss(out.router_logits, 2, {});
  this->expect_near(ce, this->golden["ce_shifted"]);
  this->expect_near(aux, this->golden["aux_pooled"]);
  this->expect_near(ce + 0.02 * aux, this->golden["total_coef_0p02"]);
  for (int l = 0; l < 2; ++l) {
    this->expect_near(load_balancing_loss<TypeParam>({out.router_logits[l]}, 2, {}),
                      this->golden["aux_per_layer"][l]);
  }
  const auto mask = numbers<std::int64_t>(this->golden["attention_mask_for_aux"]);
  this->expect_near(load_balancing_loss(out.router_logits, 2, mask), this->golden["aux_masked"]);
}

// The file has no generation: each new word has to be the likeliest after all words before it.
TYPED_TEST(MixtralGolden, GenerationWithACacheEqualsRecomputing) {
  const auto cached = mixtral_generate<TypeParam>(this->model, this->ids, 2, {}, 6);
  std::vector<std::vector<std::int64_t>> rows{{1, 7, 3, 22, 5}, {2, 9, 9, 0, 14}};
  for (int n = 0; n < 6; ++n) {
    for (auto& row : rows) {
      KvCache<TypeParam> cache = empty_cache<TypeParam>(this->model, 1);
      const auto out = mixtral_forward(this->model, row, {}, cache);
      const auto logits = mixtral_logits(this->model, last_rows(out.hidden, 1));
      row.push_back(std::max_element(logits.row(0), logits.row(0) + 23) - logits.row(0));
    }
  }
  EXPECT_EQ(cached, numbers<std::int64_t>(rows));
}

// A padded prompt is the prompt: padding is not seen, and positions count real words only.
TYPED_TEST(MixtralGolden, LeftPaddingDoesNotChangeTheContinuation) {
  const auto plain = mixtral_generate<TypeParam>(this->model, {7, 3, 22}, 1, {}, 5);
  const auto padded =
      mixtral_generate<TypeParam>(this->model, {0, 0, 7, 3, 22}, 1, {0, 0, 1, 1, 1}, 5);
  EXPECT_EQ(std::vector(padded.begin() + 2, padded.end()), plain);
}

TEST(NextTokenLoss, PassesOverIgnoredLabels) {
  const Matrix<double> logits(3, 2, {0, 0, 5, -1, 0, 0});
  EXPECT_NEAR(next_token_loss(logits, {0, 1, -100}, 1), std::log(2.0), 1e-15);
}
TEST(NextTokenLoss, OfNothingIsNotANumber) {
  const Matrix<double> logits(2, 2, {0, 0, 0, 0});
  EXPECT_TRUE(std::isnan(next_token_loss(logits, {1, -100}, 1)));
}

}  // namespace
}  // namespace moe::reference
