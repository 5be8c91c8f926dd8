#include "reference/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/contract/error.h"

namespace moe::reference {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json config(const std::string& name) {
  return json::parse(
      std::ifstream(std::string(MOEBENCH_SOURCE_DIR) + "/reference/configs/" + name + ".json"));
}
ModelConfig parse(const json& j) { return parse_model_config(j.dump(), "config.json"); }
TimeMoeConfig time_moe(const json& j) { return std::get<TimeMoeConfig>(parse(j)); }
MixtralConfig mixtral(const json& j) { return std::get<MixtralConfig>(parse(j)); }

// The config with one field changed, and what is said about it.
std::string complaint(const std::string& name, const std::string& key, const json& value) {
  json j = config(name);
  j[key] = value;
  try {
    parse(j);
  } catch (const UserError& e) {
    return e.what();
  }
  return "accepted";
}

TEST(ModelConfig, ReadsThePublishedTimeMoe) {
  const TimeMoeConfig c = time_moe(config("time_moe_50m"));
  EXPECT_EQ(c.hidden_size, 384);
  EXPECT_EQ(c.head_dim(), 32);
  EXPECT_EQ(c.horizon_lengths, (std::vector<std::int64_t>{1, 8, 32, 64}));
  EXPECT_EQ(c.torch_dtype, TensorType::kBf16);
}
TEST(ModelConfig, ExpertWidthIsTheSharedWidthOverTopK) {
  EXPECT_EQ(time_moe(config("time_moe_50m")).moe_intermediate_size, 768);
}
TEST(ModelConfig, ExpertWidthCanBeSaidApart) {
  json j = config("time_moe_50m");
  j["num_experts_per_tok"] = 4;
  j["moe_intermediate_size"] = 768;
  EXPECT_EQ(time_moe(j).moe_intermediate_size, 768);
}
TEST(ModelConfig, ReadsThePublishedMixtral) {
  const MixtralConfig c = mixtral(config("mixtral_8x7b"));
  EXPECT_EQ(c.vocab_size, 32000);
  EXPECT_EQ(c.head_dim, 128);
  EXPECT_EQ(c.rope_theta, 1e6);
}
TEST(ModelConfig, HeadWidthCanBeOverridden) {
  json j = config("tiny_mixtral");
  j["head_dim"] = 6;
  EXPECT_EQ(mixtral(j).head_dim, 6);
}
TEST(ModelConfig, SlidingWindowIsTreatedAsNull) {
  EXPECT_EQ(complaint("mixtral_8x7b", "sliding_window", 4096), "accepted");
}
TEST(ModelConfig, KeyValueHeadsDefaultToHeads) {
  EXPECT_EQ(complaint("time_moe_50m", "num_key_value_heads", nullptr), "accepted");
}
TEST(ModelConfig, OneHorizonMayBeANumber) {
  json j = config("tiny_time_moe");
  j["horizon_lengths"] = 3;
  EXPECT_EQ(time_moe(j).horizon_lengths, std::vector<std::int64_t>{3});
}
TEST(ModelConfig, PassesOverWhatItNeedNotKnow) {
  json j = config("time_moe_50m");
  j["architectures"] = {"TimeMoeForPrediction"};
  j["auto_map"] = {{"AutoConfig", "configuration_time_moe.TimeMoeConfig"}};
  j["transformers_version"] = "4.40.1";
  j["_name_or_path"] = "time_moe_50m";
  j["somebody's note"] = "x";
  EXPECT_NO_THROW(parse(j));
}

TEST(ModelConfigRefuses, UnknownModels) {
  EXPECT_THAT(complaint("tiny_time_moe", "model_type", "time-moe"),
              HasSubstr("did you mean \"time_moe\"?"));
}
TEST(ModelConfigRefuses, SlipsOfThePen) {
  EXPECT_THAT(complaint("tiny_time_moe", "num_expert_per_tok", 2),
              HasSubstr("did you mean \"num_experts_per_tok\"?"));
}
TEST(ModelConfigRefuses, TheOtherModelsNameOfAField) {
  EXPECT_THAT(complaint("tiny_time_moe", "router_aux_loss_coef", 0.1),
              HasSubstr("did you mean \"router_aux_loss_factor\"?"));
}
TEST(ModelConfigRefuses, MissingFields) {
  json j = config("tiny_mixtral");
  j.erase("vocab_size");
  EXPECT_THROW(parse(j), UserError);
}
TEST(ModelConfigRefuses, NoExperts) {
  EXPECT_THAT(complaint("tiny_time_moe", "num_experts", 0), HasSubstr("/num_experts"));
  EXPECT_THAT(complaint("tiny_mixtral", "num_local_experts", 0), HasSubstr("/num_local_experts"));
}
TEST(ModelConfigRefuses, MoreExpertsPerTokenThanExperts) {
  EXPECT_THAT(complaint("tiny_time_moe", "num_experts_per_tok", 5),
              HasSubstr("5 experts per token, but num_experts = 4"));
}
TEST(ModelConfigRefuses, HeadsThatDoNotDivide) {
  EXPECT_THAT(complaint("tiny_time_moe", "hidden_size", 18),
              HasSubstr("4 does not divide hidden_size = 18"));
  EXPECT_THAT(complaint("tiny_mixtral", "num_key_value_heads", 3),
              HasSubstr("3 does not divide num_attention_heads = 4"));
}
TEST(ModelConfigRefuses, OddHeads) {
  EXPECT_THAT(complaint("tiny_mixtral", "head_dim", 5), HasSubstr("expected an even width"));
}
TEST(ModelConfigRefuses, HorizonsThatDoNotAscend) {
  EXPECT_THAT(complaint("tiny_time_moe", "horizon_lengths", {1, 8, 4}),
              HasSubstr("4 after 8, expected ascending"));
  EXPECT_THAT(complaint("tiny_time_moe", "horizon_lengths", {1, 1}), HasSubstr("1 after 1"));
  EXPECT_THAT(complaint("tiny_time_moe", "horizon_lengths", json::array()),
              HasSubstr("no horizon"));
}
TEST(ModelConfigRefuses, NegativeSizes) {
  EXPECT_THAT(complaint("tiny_time_moe", "hidden_size", -16), HasSubstr("/hidden_size"));
  EXPECT_THAT(complaint("tiny_mixtral", "vocab_size", -1), HasSubstr("/vocab_size"));
}
TEST(ModelConfigRefuses, DenseWithAuxLossAndSparseWithout) {
  EXPECT_THAT(complaint("tiny_time_moe", "use_dense", true), HasSubstr("both true"));
  EXPECT_THAT(complaint("tiny_time_moe", "apply_aux_loss", false), HasSubstr("both false"));
}
TEST(ModelConfigRefuses, WhatItWouldComputeWrongly) {
  EXPECT_THAT(complaint("tiny_mixtral", "hidden_act", "gelu"), HasSubstr("unknown activation"));
  EXPECT_THAT(complaint("tiny_mixtral", "tie_word_embeddings", true), HasSubstr("expected false"));
  EXPECT_THAT(complaint("tiny_mixtral", "rope_scaling", {{"type", "linear"}}),
              HasSubstr("expected null"));
}

}  // namespace
}  // namespace moe::reference
