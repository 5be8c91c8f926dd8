#include "reference/model_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/contract/error.h"
#include "reference/golden_models_for_tests.h"
#include "reference/io/test_folder.h"

namespace moe::reference {
namespace {

using testing::HasSubstr;
using Shape = std::vector<std::int64_t>;

Tensor floats(Shape shape, const std::vector<float>& values) {
  return make_tensor<float>(TensorType::kF32, std::move(shape), values);
}
Tensor integers(Shape shape, const std::vector<std::int64_t>& values) {
  return make_tensor<std::int64_t>(TensorType::kI64, std::move(shape), values);
}

class ModelTensors : public testing::Test {
 protected:
  std::filesystem::path write(const Tensors& in) {
    write_safetensors(folder / "in.safetensors", in);
    return folder / "in.safetensors";
  }
  Tensors forward(const Model& model, const Tensors& in) {
    return forward_tensors<double>(model, write(in), naive_experts<double>());
  }
  Tensors generate(const Model& model, const Tensors& in, std::int64_t n) {
    return generate_tensors<float>(model, write(in), n, naive_experts<float>());
  }
  // What is said about an input with one tensor changed or added.
  std::string complaint(const Model& model, Tensors in, const std::string& name, Tensor changed,
                        bool generating = false) {
    in[name] = std::move(changed);
    try {
      generating ? generate(model, in, 2) : forward(model, in);
    } catch (const UserError& e) {
      return e.what();
    }
    return "accepted";
  }
  static void expect_near(const Tensor& got, const nlohmann::json& want) {
    const auto g = got.as<double>();
    const auto w = numbers<double>(want);
    ASSERT_EQ(g.size(), w.size());
    for (std::size_t i = 0; i < w.size(); ++i) ASSERT_NEAR(g[i], w[i], 1e-9);
  }

  TestFolder folder;
  const nlohmann::json time_golden = read_golden("golden_time_moe.json");
  const nlohmann::json words_golden = read_golden("golden_mixtral.json");
  const Model time_moe = tiny_time_moe();
  const Model mixtral = tiny_mixtral();
  const Tensors series = {{"input", floats({2, 6}, golden_values("input", 0, 2, 12))},
                          {"labels", floats({2, 6}, golden_values("labels", 0, 5, 12))}};
  const Tensors words = {
      {"input_ids", integers({2, 5}, numbers<std::int64_t>(words_golden["input_ids"]))}};
};

TEST_F(ModelTensors, TimeMoeForwardGivesTheGoldenNumbers) {
  const auto out = forward(time_moe, series);
  EXPECT_EQ(out.at("hidden").shape, (Shape{2, 6, 16}));
  expect_near(out.at("hidden"), time_golden["final_norm_hidden"]);
  EXPECT_EQ(out.at("head.4").shape, (Shape{2, 6, 4}));
  expect_near(out.at("head.4"), time_golden["head_out"]["4"]);
  EXPECT_EQ(out.at("router_logits.1").shape, (Shape{12, 4}));
  expect_near(out.at("router_logits.1"), time_golden["router_logits"][1]);
  EXPECT_EQ(out.at("selected_experts.0").type, TensorType::kI32);
  EXPECT_EQ(out.at("selected_experts.0").as<std::int32_t>(),
            numbers<std::int32_t>(time_golden["selected_experts_desc"][0]));
  EXPECT_EQ(out.at("routing_weights.0").shape, (Shape{12, 2}));
  EXPECT_EQ(out.at("loss").type, TensorType::kF64);
  EXPECT_NEAR(out.at("loss").as<double>()[0], time_golden["total_nomask"].get<double>(), 1e-9);
  EXPECT_NEAR(out.at("ar_loss.8").as<double>()[0], time_golden["ar_loss_nomask"][2].get<double>(),
              1e-9);
}

TEST_F(ModelTensors, TimeMoeMasksReachTheLosses) {
  Tensors in = series;
  in["loss_masks"] = floats({2, 6}, numbers<float>(time_golden["loss_masks"]));
  EXPECT_NEAR(forward(time_moe, in).at("loss").as<double>()[0],
              time_golden["total_mask"].get<double>(), 1e-9);
  in.erase("loss_masks");
  in["attention_mask"] =
      integers({2, 6}, numbers<std::int64_t>(time_golden["leftpad"]["attention_mask"]));
  const auto out = forward(time_moe, in);
  EXPECT_NEAR(out.at("loss").as<double>()[0],
              time_golden["leftpad"]["total_nolossmask"].get<double>(), 1e-9);
  EXPECT_NEAR(out.at("aux_loss").as<double>()[0],
              time_golden["leftpad"]["aux_masked"].get<double>(), 1e-9);
}

TEST_F(ModelTensors, WithoutLabelsThereIsNoLoss) {
  const auto out = forward(time_moe, {{"input", series.at("input")}});
  EXPECT_FALSE(out.contains("loss"));
  EXPECT_TRUE(out.contains("head.8"));
}

TEST_F(ModelTensors, DenseModelsHaveNoRouting) {
  TimeMoeConfig config = tiny_time_moe_config();
  config.use_dense = true;
  config.apply_aux_loss = false;
  const auto out = forward(make_time_moe(config, golden_weights()), series);
  EXPECT_FALSE(out.contains("router_logits.0"));
  EXPECT_FALSE(out.contains("aux_loss"));
  EXPECT_EQ(out.at("loss").as<double>(), out.at("ar_loss").as<double>());
}

TEST_F(ModelTensors, TimeMoeGenerates) {
  const auto out = generate(time_moe, {{"input", series.at("input")}}, 13);
  EXPECT_EQ(out.at("steps").as<std::int32_t>(), (std::vector<std::int32_t>{8, 4, 1}));
  EXPECT_EQ(out.at("sequence").shape, (Shape{2, 19}));
  EXPECT_EQ(out.at("sequence").type, TensorType::kF32);
  EXPECT_NEAR(out.at("sequence").as<double>()[6], time_golden["gen13"][0][0].get<double>(), 2e-5);
}

TEST_F(ModelTensors, MixtralForwardGivesTheGoldenNumbers) {
  Tensors in = words;
  in["labels"] = words.at("input_ids");
  const auto out = forward(mixtral, in);
  EXPECT_EQ(out.at("logits").shape, (Shape{2, 5, 23}));
  expect_near(out.at("logits"), words_golden["logits"]);
  expect_near(out.at("routing_weights.1"), words_golden["weights"][1]);
  EXPECT_NEAR(out.at("lm_loss").as<double>()[0], words_golden["ce_shifted"].get<double>(), 1e-9);
  EXPECT_NEAR(out.at("loss").as<double>()[0], words_golden["total_coef_0p02"].get<double>(), 1e-9);
}

TEST_F(ModelTensors, MixtralGenerates) {
  const auto out = generate(mixtral, words, 3);
  EXPECT_EQ(out.at("sequence").type, TensorType::kI64);
  EXPECT_EQ(out.at("sequence").shape, (Shape{2, 8}));
  EXPECT_EQ(out.at("sequence").as<std::int64_t>()[5], words_golden["argmax"][0][4]);
  EXPECT_EQ(out.at("steps").as<std::int32_t>(), (std::vector<std::int32_t>{1, 1, 1}));
}

// A strategy may drop assignments; the rows of the output stay K wide.
TEST_F(ModelTensors, DroppedAssignmentsAreMarked) {
  const auto drop_second = [](std::int64_t, const MoeShape& s, const ExpertWeights& w,
                              MatrixView<const double> x, MatrixView<const double> logits) {
    MoeShape one = s;
    one.top_k = 1;
    RoutedOutput<double> out;
    out.routing = route<double>(TokenChoice{}, one, logits);
    out.y = moe_layer<double>(one, w, x, out.routing);
    return out;
  };
  const auto out = forward_tensors<double>(mixtral, write(words), drop_second);
  const auto expert = out.at("selected_experts.0").as<std::int32_t>();
  const auto weight = out.at("routing_weights.0").as<double>();
  ASSERT_EQ(expert.size(), 20U);
  for (std::size_t t = 0; t < 10; ++t) {
    EXPECT_GE(expert[2 * t], 0);
    EXPECT_EQ(expert[2 * t + 1], -1);
    EXPECT_EQ(weight[2 * t + 1], 0);
  }
}

TEST_F(ModelTensors, RefusesNumbersThatAreNotFinite) {
  auto values = golden_values("input", 0, 2, 12);
  values[8] = std::nanf("");
  EXPECT_THAT(complaint(time_moe, series, "input", floats({2, 6}, values)),
              HasSubstr("holds nan at [1, 2], expected finite numbers"));
  values[8] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(complaint(time_moe, series, "input", floats({2, 6}, values)), HasSubstr("inf at"));
}
TEST_F(ModelTensors, RefusesWordsBeyondTheVocabulary) {
  EXPECT_THAT(complaint(mixtral, {}, "input_ids", integers({1, 3}, {0, 22, 23})),
              HasSubstr("holds 23 at [0, 2], expected 0 to 22"));
  EXPECT_THAT(complaint(mixtral, {}, "input_ids", integers({1, 1}, {-1})), HasSubstr("holds -1"));
}
TEST_F(ModelTensors, RefusesWrongShapes) {
  EXPECT_THAT(complaint(time_moe, {}, "input", floats({6}, std::vector<float>(6))),
              HasSubstr("has shape [6], expected [B, S]"));
  EXPECT_THAT(complaint(time_moe, {}, "input", floats({2, 0}, {})), HasSubstr("at least one"));
  EXPECT_THAT(complaint(time_moe, series, "labels", floats({2, 5}, std::vector<float>(10))),
              HasSubstr("\"labels\" has shape [2, 5], expected [2, 6]"));
}
TEST_F(ModelTensors, RefusesMissingAndUnknownTensors) {
  EXPECT_THAT(complaint(time_moe, {}, "labels", series.at("labels")),
              HasSubstr("no tensor \"input\""));
  EXPECT_THAT(complaint(time_moe, series, "loss_mask", series.at("input")),
              HasSubstr("did you mean \"loss_masks\"?"));
}
TEST_F(ModelTensors, RefusesWrongTypes) {
  EXPECT_THAT(complaint(time_moe, {}, "input", integers({1, 2}, {1, 2})),
              HasSubstr("is I64, expected F32"));
  EXPECT_THAT(complaint(mixtral, {}, "input_ids", floats({1, 2}, {1, 2})),
              HasSubstr("is F32, expected I64"));
}
TEST_F(ModelTensors, RefusesMasksThatAreNone) {
  EXPECT_THAT(
      complaint(mixtral, words, "attention_mask", integers({2, 5}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 2})),
      HasSubstr("holds 2 at [1, 4], expected 0 or 1"));
  EXPECT_THAT(
      complaint(mixtral, words, "attention_mask", integers({2, 5}, std::vector<std::int64_t>(10))),
      HasSubstr("masks everything"));
  EXPECT_THAT(complaint(time_moe, series, "loss_masks", floats({2, 6}, std::vector<float>(12))),
              HasSubstr("masks everything"));
}
TEST_F(ModelTensors, RefusesToGenerateBehindPadding) {
  EXPECT_THAT(complaint(mixtral, words, "attention_mask",
                        integers({2, 5}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 0}), true),
              HasSubstr("pad on the left"));
}
TEST_F(ModelTensors, RefusesLabelsThatLeaveNothing) {
  EXPECT_THAT(complaint(mixtral, words, "labels",
                        integers({2, 5}, {3, -100, -100, -100, -100, 4, -100, -100, -100, -100})),
              HasSubstr("leaves every prediction out"));
}
TEST_F(ModelTensors, RefusesToGenerateNothingOrForever) {
  EXPECT_THROW(generate(time_moe, series, 0), UserError);
  EXPECT_THROW(generate(time_moe, series, INT64_MAX), UserError);
}

}  // namespace
}  // namespace moe::reference
