#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "harness/cuda/model_fixture_for_tests.h"
#include "reference/golden_models_for_tests.h"

// The golden models of reference/testdata through the CUDA forward pass, on the simulated device.
namespace moe::harness {
namespace {

using reference::numbers;
using reference::read_golden;

// 8 bits of significand, ties to even.
float nearest_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return std::bit_cast<float>((bits + 0x7fffu + (bits >> 16 & 1u)) & 0xffff0000u);
}

// ---- Time-MoE

class TimeMoeOnDevice : public DeviceModelTest {
 protected:
  // One pass over the golden series, with every head. given: choices of experts, or empty.
  Spreads expected(const reference::TimeMoe& m, const std::vector<std::int64_t>& mask,
                   DType stored = DType::kF32, const Named& given = {}) const {
    const DecoderDescription d = describe(m);
    const auto program = [&](Rounding32& round) {
      Named out = given;
      const Rows points(12, 1, {series.begin(), series.end()});
      const Rows hidden = noisy_decoder(d, embed_points(d, points, round), 2, mask, round, out);
      for (std::size_t j = 0; j < m.heads.size(); ++j) {
        const Rows head = linear(m.heads[j].weight, {}, hidden, round);
        const auto name = std::to_string(m.config.horizon_lengths[j]);
        out["head " + name] = head.values;
        out["last head " + name] = some_rows(head, 5, 6);
      }
      return out;
    };
    return spread(program, stored);
  }

  const nlohmann::json golden = read_golden("golden_time_moe.json");
  const reference::TimeMoe model = reference::tiny_time_moe();
  const DecoderDescription decoder = describe(model);
  const std::vector<float> series = reference::golden_series<float>("input", 2);  // [2, 6]
};

TEST_P(TimeMoeOnDevice, RouterLogitsHiddenStatesAndEveryHead) {
  const Spreads want = expected(model, {});
  expect_golden(want.at("hidden"), golden["final_norm_hidden"], "hidden");
  auto device = make(decoder, 2, 6, 12);
  device->forward_points(series, {});
  const auto got = last_pass(*device, decoder);
  ASSERT_EQ(got.router_logits.size(), 2U);
  expect_pass(got, want);
  for (std::size_t l = 0; l < 2; ++l) {
    const auto name = "logits " + std::to_string(l);
    expect_golden(want.at(name), golden["router_logits"][l], name);
  }
  for (std::size_t j = 0; j < model.heads.size(); ++j) {
    const auto horizon = std::to_string(model.config.horizon_lengths[j]);
    expect_golden(want.at("head " + horizon), golden["head_out"][horizon], "head " + horizon);
    expect_all_near(device->head(j), want.at("head " + horizon), "head " + horizon);
    expect_all_near(device->head_of_last(j), want.at("last head " + horizon), "last head");
  }
}

TEST_P(TimeMoeOnDevice, LeftPadding) {
  const auto& file = golden["leftpad"];
  const auto mask = numbers<std::int64_t>(file["attention_mask"]);
  const Spreads want = expected(model, mask);
  expect_golden(want.at("hidden"), file["hidden"], "hidden");
  auto device = make(decoder, 2, 6, 12);
  device->forward_points(series, mask);
  expect_pass(last_pass(*device, decoder), want);
}

TEST_P(TimeMoeOnDevice, DenseVariant) {
  reference::TimeMoeConfig config = reference::tiny_time_moe_config();
  config.use_dense = true;
  config.apply_aux_loss = false;
  const auto dense = reference::make_time_moe(config, reference::golden_weights());
  const Spreads want = expected(dense, {});
  expect_golden(want.at("last head 8"), golden["dense"]["head8_last"], "head 8");
  auto device = make(describe(dense), 2, 6, 12);
  device->forward_points(series, {});
  const auto got = last_pass(*device, describe(dense));
  EXPECT_TRUE(got.router_logits.empty());
  expect_pass(got, want);
  expect_all_near(device->head_of_last(2), want.at("last head 8"), "head 8");
}

// The golden weights, those of products rounded to bf16 as the device rounds them.
reference::TensorSource golden_weights_in_bf16() {
  return [from = reference::golden_weights()](const reference::WeightTensor& tensor) {
    using reference::TensorRole;
    static const std::set<TensorRole> others = {TensorRole::kEmbedding, TensorRole::kNorm,
                                                TensorRole::kAttentionBias, TensorRole::kRouter,
                                                TensorRole::kSharedExpertGate};
    std::vector<float> values = from(tensor);
    if (others.contains(tensor.role)) return values;
    for (float& x : values) x = nearest_bf16(x);
    return values;
  };
}

TEST_P(TimeMoeOnDevice, DenseVariantInBf16) {
  reference::TimeMoeConfig config = reference::tiny_time_moe_config();
  config.use_dense = true;
  config.apply_aux_loss = false;
  const auto dense = reference::make_time_moe(config, golden_weights_in_bf16());
  const Spreads want = expected(dense, {}, DType::kBf16);
  auto device = make(describe(dense), 2, 6, 12, DType::kBf16);
  device->forward_points(series, {});
  expect_pass(last_pass(*device, describe(dense)), want);
  expect_all_near(device->head(2), want.at("head 8"), "head 8");
}

// Roundings of this size change which experts are chosen, so the choice is taken from the device.
TEST_P(TimeMoeOnDevice, EveryStrategyInBf16ComputesWhatItsChoicesSay) {
  const auto sparse =
      reference::make_time_moe(reference::tiny_time_moe_config(), golden_weights_in_bf16());
  const DecoderDescription d = describe(sparse);
  std::map<Named, Spreads> expected_of;  // by the choices: most strategies make the same
  for (const StrategyInfo* strategy : dropless(d, DType::kBf16)) {
    SCOPED_TRACE(full_name(*strategy));
    auto device = make_device_model(
        d, {.batch = 2, .length = 6, .tokens = 12, .dtype = DType::kBf16}, *strategy);
    device->forward_points(series, {});
    const auto got = last_pass(*device, d);
    Named given;
    for (std::size_t l = 0; l < got.routing.size(); ++l) {
      const auto& chosen = got.routing[l].expert;
      given["experts " + std::to_string(l)] = {chosen.begin(), chosen.end()};
    }
    auto& want = expected_of[given];
    if (want.empty()) want = expected(sparse, {}, DType::kBf16, given);
    expect_pass(got, want);
    expect_all_near(device->head(2), want.at("head 8"), "head 8");
  }
}

TEST_P(TimeMoeOnDevice, EveryStrategyThatDropsNothingComputesTheModel) {
  const Spreads want = expected(model, {});
  for (const StrategyInfo* strategy : dropless(decoder)) {
    SCOPED_TRACE(full_name(*strategy));
    auto device = make_device_model(decoder, {.batch = 2, .length = 6, .tokens = 12}, *strategy);
    device->forward_points(series, {});
    expect_pass(last_pass(*device, decoder), want);
  }
}

// The series fed in pieces are the series: the cache holds what one pass would have computed.
TEST_P(TimeMoeOnDevice, PassesWithACacheEqualOnePass) {
  const Spreads want = expected(model, {});
  auto device = make(decoder, 2, 6, 8);
  for (std::size_t fed = 0; fed < 6;) {
    const std::size_t steps = fed == 0 ? 4 : 1, row = 16;
    std::vector<float> piece;
    for (std::size_t b = 0; b < 2; ++b) {
      for (std::size_t s = 0; s < steps; ++s) piece.push_back(series[b * 6 + fed + s]);
    }
    device->forward_points(piece, {});
    const auto hidden = device->hidden();
    const auto middle = hidden.begin() + static_cast<std::ptrdiff_t>(steps * row);
    expect_near({hidden.begin(), middle}, want.at("hidden"), "first", fed * row);
    expect_near({middle, hidden.end()}, want.at("hidden"), "second", (6 + fed) * row);
    fed += steps;
  }
}

// What is forecast is fed back, and its errors with it; so does the noise.
TEST_P(TimeMoeOnDevice, GenerationAndItsSteps) {
  auto device = make(decoder, 2, 19, 16);
  const auto got = generate(*device, model, {2, 6, series}, {}, 13);
  EXPECT_EQ(got.steps, numbers<std::int32_t>(golden["gen13_steps"]));
  const Spreads want = spread([&](Rounding32& round) {
    std::vector<std::vector<double>> rows{{series.begin(), series.begin() + 6},
                                          {series.begin() + 6, series.end()}};
    for (const std::int32_t n : got.steps) {
      const auto length = static_cast<std::int64_t>(rows[0].size());
      Rows points(2 * length, 1);
      for (std::int64_t b = 0; b < 2; ++b) std::ranges::copy(rows[b], points.row(b * length));
      Named ignored;
      const auto h = embed_points(decoder, points, round);
      const Rows hidden = noisy_decoder(decoder, h, 2, {}, round, ignored);
      const auto& horizons = model.config.horizon_lengths;
      const auto j = std::ranges::find(horizons, n) - horizons.begin();
      const Rows next = linear(model.heads[j].weight, {}, hidden, round);
      for (std::int64_t b = 0; b < 2; ++b) {
        const double* last = next.row(b * length + length - 1);
        rows[b].insert(rows[b].end(), last, last + n);
      }
    }
    Named out;
    for (const auto& row : rows) {
      out["forecast"].insert(out["forecast"].end(), row.begin() + 6, row.end());
    }
    return out;
  });
  expect_golden(want.at("forecast"), golden["gen13"], "forecast");
  std::vector<float> made;
  for (std::int64_t b = 0; b < 2; ++b) {
    made.insert(made.end(), got.sequence.row(b) + 6, got.sequence.row(b) + 19);
  }
  expect_all_near(made, want.at("forecast"), "forecast");
}

// ---- Mixtral

class MixtralOnDevice : public DeviceModelTest {
 protected:
  Spreads expected() const {
    return spread([this](Rounding32& round) {
      Named out;
      const Rows hidden = noisy_decoder(decoder, embed_words(decoder, ids), 2, {}, round, out);
      out["words"] = linear(model.lm_head.weight, {}, hidden, round).values;
      return out;
    });
  }

  const nlohmann::json golden = read_golden("golden_mixtral.json");
  const reference::Mixtral model = reference::tiny_mixtral();
  const DecoderDescription decoder = describe(model);
  const std::vector<std::int64_t> ids = numbers<std::int64_t>(golden["input_ids"]);  // [2, 5]
};

TEST_P(MixtralOnDevice, RouterLogitsHiddenStatesAndLogits) {
  const Spreads want = expected();
  for (std::size_t l = 0; l < 2; ++l) {
    const auto name = "logits " + std::to_string(l);
    expect_golden(want.at(name), golden["router_logits"][l], name);
  }
  expect_golden(want.at("words"), golden["logits"], "words");
  auto device = make(decoder, 2, 5, 10);
  device->forward_words(ids, {});
  const auto got = last_pass(*device, decoder);
  ASSERT_EQ(got.router_logits.size(), 2U);
  expect_pass(got, want);
  expect_all_near(device->head(0), want.at("words"), "words");
}

TEST_P(MixtralOnDevice, EveryStrategyThatDropsNothingComputesTheModel) {
  const Spreads want = expected();
  for (const StrategyInfo* strategy : dropless(decoder)) {
    SCOPED_TRACE(full_name(*strategy));
    auto device = make_device_model(decoder, {.batch = 2, .length = 5, .tokens = 10}, *strategy);
    device->forward_words(ids, {});
    expect_pass(last_pass(*device, decoder), want);
  }
}

TEST_P(MixtralOnDevice, GenerationWithACacheIsTheReferences) {
  auto device = make(decoder, 2, 11, 10);
  EXPECT_EQ(generate(*device, model, ids, 2, {}, 6),
            reference::mixtral_generate<double>(model, ids, 2, {}, 6));
}

TEST_P(MixtralOnDevice, LeftPaddingDoesNotChangeTheContinuation) {
  auto plain = make(decoder, 1, 8, 3);
  auto padded = make(decoder, 1, 10, 5);
  const auto want = generate(*plain, model, {7, 3, 22}, 1, {}, 5);
  const auto got = generate(*padded, model, {0, 0, 7, 3, 22}, 1, {0, 0, 1, 1, 1}, 5);
  EXPECT_EQ(std::vector(got.begin() + 2, got.end()), want);
}

TEST_P(MixtralOnDevice, RefusesAPassThatDoesNotFit) {
  auto device = make(decoder, 1, 4, 4);
  EXPECT_THROW(device->forward_words(std::vector<std::int64_t>(5, 1), {}), UserError);
  EXPECT_THROW(device->forward_words(std::vector<std::int64_t>{23}, {}), UserError);
  EXPECT_THROW(device->forward_points(std::vector<float>{1}, {}), UserError);
  device->forward_words(std::vector<std::int64_t>{1, 2, 3, 4}, {});
  EXPECT_THROW(device->forward_words(std::vector<std::int64_t>{1}, {}), UserError);
}

INSTANTIATE_TEST_SUITE_P(Ways, TimeMoeOnDevice, kWays, way_name);
INSTANTIATE_TEST_SUITE_P(Ways, MixtralOnDevice, kWays, way_name);

}  // namespace
}  // namespace moe::harness
