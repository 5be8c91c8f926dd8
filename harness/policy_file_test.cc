#include "harness/policy_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "kernels/contract/error.h"
#include "reference/io/test_folder.h"

namespace moe::harness {
namespace {

using reference::Json;
using reference::make_tensor;
using reference::Tensor;
using reference::TensorType;
using testing::ElementsAre;
using testing::HasSubstr;

// 8 tokens, 4 experts: normal numbers times 2, whose routings were computed by the papers' formulas
// in an independent program.
const std::vector<float> kLogits = {-0.954855323F, 0.939471424F,  -0.051351994F, 1.046646357F,   //
                                    1.137306571F,  -1.28803134F,  -0.311173737F, -1.187486172F,  //
                                    -1.109417558F, 1.355384827F,  -1.865547895F, 0.762625456F,   //
                                    -0.787616611F, 1.460636616F,  1.875172496F,  -1.867991686F,  //
                                    0.154837593F,  1.666365027F,  0.839580297F,  -0.362826556F,  //
                                    -0.483397961F, 0.965402544F,  1.451479793F,  -1.144964576F,  //
                                    -1.249265194F, -1.674776673F, 1.691554546F,  -0.322476327F,  //
                                    0.053221539F,  1.396315455F,  0.49637416F,   -1.71066606F};

using Tensors = std::map<std::string, Tensor>;

Tensors route(const std::string& policy, const Tensors& input) {
  const reference::TestFolder folder;
  std::ofstream(folder / "policy.json") << policy;
  reference::write_safetensors(folder / "logits.safetensors", input);
  return route_files(folder / "policy.json", folder / "logits.safetensors");
}

Tensors route(const std::string& policy, std::vector<std::int64_t> shape = {8, 4},
              const std::vector<float>& logits = kLogits) {
  return route(policy,
               {{"logits", make_tensor<float>(TensorType::kF32, std::move(shape), logits)}});
}

std::vector<std::int32_t> ints(const Tensors& tensors, const std::string& name) {
  EXPECT_EQ(tensors.at(name).type, TensorType::kI32) << name;
  return tensors.at(name).as<std::int32_t>();
}

std::vector<float> weights(const Tensors& tensors) {
  EXPECT_EQ(tensors.at("weight").type, TensorType::kF32);
  return tensors.at("weight").as<float>();
}

template <class Action>
std::string complaint(Action action) {
  try {
    action();
  } catch (const UserError& e) {
    return e.what();
  }
  return "(no complaint)";
}

std::string complaint_about(const std::string& policy) {
  return complaint([&] { read_policy(Json::parse_text(policy, "p.json"), 4); });
}

PolicyFile read(const std::string& policy) {
  return read_policy(Json::parse_text(policy, "p.json"), 4);
}

TEST(RouteFiles, TokenChoiceTakesTheBestAndKeepsTheSoftmaxOverAll) {
  const Tensors out = route(R"({"kind": "token-choice", "top_k": 2})");
  EXPECT_THAT(ints(out, "offsets"), ElementsAre(0, 2, 4, 6, 8, 10, 12, 14, 16));
  EXPECT_THAT(ints(out, "expert"), ElementsAre(3, 1, 0, 2, 1, 3, 2, 1, 1, 2, 2, 1, 2, 3, 1, 2));
  EXPECT_FLOAT_EQ(weights(out)[0], 0.422468791F);
  EXPECT_FLOAT_EQ(weights(out)[1], 0.379532656F);
  EXPECT_THAT(ints(out, "demand"), ElementsAre(1, 6, 6, 3));
  EXPECT_EQ(ints(out, "served"), ints(out, "demand"));
}

TEST(RouteFiles, BothSpellingsOfRenormalizedWeightsAgree) {
  const Tensors selected =
      route(R"({"kind": "token-choice", "top_k": 2, "scores": "softmax-selected"})");
  const Tensors divided = route(R"({"kind": "token-choice", "top_k": 2, "renormalize": true})");
  EXPECT_EQ(weights(selected), weights(divided));
  EXPECT_FLOAT_EQ(weights(selected)[0], 0.526768116F);
  EXPECT_FLOAT_EQ(weights(selected)[1], 0.473231884F);
}

TEST(RouteFiles, SwitchDropsTheLateTokensOfFullExperts) {
  const Tensors out = route(R"({"kind": "switch", "factor": 1.0})");
  EXPECT_THAT(ints(out, "offsets"), ElementsAre(0, 1, 2, 3, 4, 5, 6, 6, 6));
  EXPECT_THAT(ints(out, "expert"), ElementsAre(3, 0, 1, 2, 1, 2));
  EXPECT_FLOAT_EQ(weights(out)[4], 0.558825271F);
  EXPECT_THAT(ints(out, "demand"), ElementsAre(1, 3, 3, 1));
  EXPECT_THAT(ints(out, "served"), ElementsAre(1, 2, 2, 1));
}

TEST(RouteFiles, SwitchByPriorityDropsTheUndecided) {
  const Tensors out = route(R"({"kind": "switch", "factor": 1, "order": "priority"})");
  EXPECT_THAT(ints(out, "offsets"), ElementsAre(0, 1, 2, 3, 4, 4, 4, 5, 6));
  EXPECT_THAT(ints(out, "expert"), ElementsAre(3, 0, 1, 2, 2, 1));
}

TEST(RouteFiles, CappedServesFirstChoicesFirst) {
  // Room for ceil(0.5 * 2 * 8 / 4) = 2 tokens an expert: the first choices fill experts 1 and 2.
  const Tensors out = route(R"({"kind": "capped", "top_k": 2, "factor": 0.5})");
  EXPECT_THAT(ints(out, "expert"), ElementsAre(3, 0, 1, 3, 2, 1, 2));
  EXPECT_THAT(ints(out, "demand"), ElementsAre(1, 6, 6, 3));
  EXPECT_THAT(ints(out, "served"), ElementsAre(1, 2, 2, 2));
}

TEST(RouteFiles, ExpertChoiceGivesFactorExpertsToAnAverageToken) {
  const Tensors out = route(R"({"kind": "expert-choice", "factor": 2})");
  EXPECT_THAT(ints(out, "offsets"), ElementsAre(0, 2, 3, 5, 6, 10, 12, 14, 16));
  EXPECT_THAT(ints(out, "demand"), ElementsAre(4, 4, 4, 4));
  EXPECT_THAT(ints(out, "served"), ElementsAre(4, 4, 4, 4));
  EXPECT_FLOAT_EQ(weights(out)[0], 0.422468791F);
}

TEST(RouteFiles, TokenRoundingSaysWhatWasAskedForAndWhatWasServed) {
  const Tensors out = route(R"({"kind": "token-rounding", "top_k": 2, "tile": 4})");
  EXPECT_THAT(ints(out, "demand"), ElementsAre(1, 6, 6, 3));
  EXPECT_THAT(ints(out, "served"), ElementsAre(0, 8, 8, 4));
}

TEST(RouteFiles, RoutesNoTokensToNobody) {
  for (const char* policy :
       {R"({"kind": "token-choice", "top_k": 2})", R"({"kind": "switch"})",
        R"({"kind": "expert-choice"})", R"({"kind": "token-rounding", "top_k": 2})"}) {
    const Tensors out = route(policy, {0, 4}, {});
    EXPECT_THAT(ints(out, "offsets"), ElementsAre(0)) << policy;
    EXPECT_THAT(ints(out, "demand"), ElementsAre(0, 0, 0, 0)) << policy;
    EXPECT_EQ(out.at("weight").elements(), 0) << policy;
  }
}

TEST(RouteFiles, NameTheTokenAndExpertOfALogitThatIsNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const char* policy = R"({"kind": "token-choice", "top_k": 1})";
  EXPECT_THAT(complaint([&] {
                route(policy, {2, 3}, {0, 1, 2, 3, nan, 5});
              }),
              HasSubstr("logits.safetensors: logits: nan at token 1, expert 1"));
  EXPECT_THAT(complaint([&] {
                route(policy, {2, 3}, {0, 1, -inf, 3, 4, 5});
              }),
              HasSubstr("logits: -inf at token 0, expert 2"));
}

TEST(RouteFiles, RefuseLogitsThatAreNoMatrix) {
  const char* policy = R"({"kind": "token-choice", "top_k": 1})";
  EXPECT_THAT(complaint([&] {
                route(policy, {4}, {0, 1, 2, 3});
              }),
              HasSubstr("logits: found shape [4], expected [tokens, experts]"));
  EXPECT_THAT(complaint([&] { route(policy, {4, 0}, {}); }), HasSubstr("found shape [4, 0]"));
}

TEST(RouteFiles, RefuseABiasRatherThanIgnoreIt) {
  const std::vector<float> bias(4, 1.0F);
  const Tensors input = {{"logits", make_tensor<float>(TensorType::kF32, {8, 4}, kLogits)},
                         {"bias", make_tensor<float>(TensorType::kF32, {4}, bias)}};
  EXPECT_THAT(complaint([&] { route(R"({"kind": "token-choice", "top_k": 1})", input); }),
              HasSubstr("bias: routing with a bias is not built yet"));
}

TEST(PolicyFile, HasDefaults) {
  const PolicyFile p = read(R"({"kind": "switch"})");
  EXPECT_EQ(p.top_k, 1);
  EXPECT_FALSE(p.renormalize);
  const auto capped = std::get<TokenChoiceCapped>(p.policy);
  EXPECT_EQ(capped.factor, 1.25F);
  EXPECT_EQ(capped.order, DropOrder::kPosition);
  EXPECT_EQ(capped.rounding, Rounding::kCeil);
  EXPECT_EQ(std::get<ExpertChoice>(read(R"({"kind": "expert-choice"})").policy).rounding,
            Rounding::kNearest);
}

TEST(PolicyFile, ReadsEveryKey) {
  const PolicyFile p = read(R"({"kind": "capped", "top_k": 3, "factor": 2, "rounding": "floor",
                                "order": "priority", "renormalize": true})");
  EXPECT_EQ(p.top_k, 3);
  EXPECT_TRUE(p.renormalize);
  const auto capped = std::get<TokenChoiceCapped>(p.policy);
  EXPECT_EQ(capped.factor, 2.0F);
  EXPECT_EQ(capped.order, DropOrder::kPriority);
  EXPECT_EQ(capped.rounding, Rounding::kFloor);
}

// 1.2 as a float is a little more than 1.2, and 0.7 a little less.
TEST(PolicyFile, ADecimalFactorIsNotCarriedOverAnIntegerByTheFloat) {
  const MoeShape shape{.tokens = 20, .experts = 4, .top_k = 1};
  const auto up = std::get<TokenChoiceCapped>(read(R"({"kind": "switch", "factor": 1.2})").policy);
  EXPECT_EQ(capacity(shape, up.factor, up.rounding), 6);
  const MoeShape wide{.tokens = 40, .experts = 4, .top_k = 1};
  const auto down = std::get<TokenChoiceCapped>(
      read(R"({"kind": "switch", "factor": 0.7, "rounding": "floor"})").policy);
  EXPECT_EQ(capacity(wide, down.factor, down.rounding), 7);
}

TEST(PolicyFile, SaysWhatIsNotBuiltYet) {
  EXPECT_EQ(complaint_about(R"({"kind": "gshard"})"),
            "p.json:1:10: /kind: policy \"gshard\" is not built yet; known: token-choice, switch, "
            "capped, expert-choice, token-rounding");
  EXPECT_THAT(complaint_about(R"({"kind": "token-choice", "top_k": 1, "scores": "sigmoid"})"),
              HasSubstr("/scores: scores \"sigmoid\" is not built yet"));
  EXPECT_THAT(complaint_about(R"({"kind": "switch", "order": "random"})"),
              HasSubstr("/order: order \"random\" is not built yet"));
  EXPECT_THAT(complaint_about(R"({"kind": "token-choice", "top_k": 1, "groups": 2})"),
              HasSubstr("/groups: this key is not built yet"));
}

TEST(PolicyFile, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(complaint_about(R"({"kind": "swich"})"),
              HasSubstr("unknown policy \"swich\" (did you mean \"switch\"?)"));
  EXPECT_THAT(complaint_about(R"({"kind": "switch", "facter": 1})"),
              HasSubstr("unknown key \"facter\" (did you mean \"factor\"?)"));
  EXPECT_THAT(complaint_about(R"({"kind": "expert-choice", "top_k": 1})"),
              HasSubstr("unknown key \"top_k\""));
  EXPECT_THAT(complaint_about(R"({"top_k": 1})"), HasSubstr("the key \"kind\" is missing"));
  EXPECT_THAT(complaint_about(R"({"kind": "capped"})"), HasSubstr("the key \"top_k\" is missing"));
  EXPECT_THAT(complaint_about(R"({"kind": "token-choice", "top_k": 5})"),
              HasSubstr("/top_k: expected an integer from 1 to 4, found 5"));
  EXPECT_THAT(complaint_about(R"({"kind": "switch", "factor": 0})"),
              HasSubstr("/factor: expected a number from 0.001 to 1000.0, found 0"));
  EXPECT_THAT(complaint_about(R"([])"), HasSubstr("expected an object, found a list"));
}

}  // namespace
}  // namespace moe::harness
