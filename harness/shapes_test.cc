#include "harness/shapes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Shapes, HoldTwentyThreePublishedModelsAndFiveOfOurOwn) {
  EXPECT_EQ(model_shapes().size(), 28U);
  EXPECT_EQ(std::ranges::count(model_shapes(), "moebench", &ModelShape::source), 5);
}

TEST(Shapes, HaveDifferentNamesThatFitIntoACellName) {
  std::set<std::string> names;
  for (const ModelShape& m : model_shapes()) {
    EXPECT_TRUE(names.insert(m.name).second) << m.name;
    EXPECT_EQ(m.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-"), std::string::npos)
        << m.name;
  }
}

TEST(Shapes, NameTheirSource) {
  for (const ModelShape& m : model_shapes()) EXPECT_NE(m.source, "") << m.name;
}

TEST(Shapes, KnowTimeMoe50M) {
  const ModelShape& m = model_shape("time-moe-50m");
  EXPECT_EQ(m.shape, (MoeShape{0, 384, 768, 8, 2, false, DType::kF32}));
  EXPECT_EQ(m.layers, 12);
  EXPECT_EQ(m.shared, "1 x 1536, sigmoid gate");
  EXPECT_TRUE(m.verified);
}

TEST(Shapes, KnowMixtral) {
  EXPECT_EQ(model_shape("mixtral-8x7b").shape, (MoeShape{0, 4096, 14336, 8, 2, true, DType::kF32}));
}

TEST(Shapes, LeaveAbsentWhatNobodySays) {
  EXPECT_FALSE(model_shape("kimi-k2").layers.has_value());
  EXPECT_FALSE(model_shape("kimi-k2").verified);
}

// The parameters of all routed experts, against what the models' names say of the whole model.
TEST(Shapes, AddUpToTheSizeInTheName) {
  const auto routed = [](std::string_view name) {
    const ModelShape& m = model_shape(name);
    const auto of_one_layer = 3 * m.shape.experts * m.shape.ffn * m.shape.hidden;
    return static_cast<double>(m.layers.value() * of_one_layer) / 1e9;
  };
  EXPECT_NEAR(routed("mixtral-8x7b"), 46.7, 2.0);
  EXPECT_NEAR(routed("mixtral-8x22b"), 141, 7.0);
  EXPECT_NEAR(routed("qwen3-30b-a3b"), 30.5, 2.0);
  EXPECT_NEAR(routed("qwen3-235b-a22b"), 235, 12.0);
  EXPECT_NEAR(routed("deepseek-v3"), 671, 35.0);
  EXPECT_NEAR(routed("dbrx"), 132, 7.0);
  EXPECT_NEAR(routed("gpt-oss-120b"), 117, 6.0);
  EXPECT_NEAR(routed("olmoe-1b-7b"), 6.9, 0.6);
}

TEST(Shapes, SuggestTheNearestName) {
  EXPECT_THAT([] { model_shape("mixtral-8x7"); },
              ThrowsMessage<UserError>(
                  HasSubstr("unknown shape \"mixtral-8x7\" (did you mean \"mixtral-8x7b\"?)")));
}

TEST(Shapes, CanBeWrittenOut) {
  const MoeShape raw{0, 64, 96, 8, 2, false, DType::kF32};
  EXPECT_EQ(shape_text(raw), "H=64,F=96,E=8,K=2,all");
  EXPECT_EQ(parse_shape(shape_text(raw)), raw);
  EXPECT_EQ(parse_shape("H=64,F=96,E=8,K=2"), model_shape("tiny").shape);
  EXPECT_EQ(parse_shape("tiny"), model_shape("tiny").shape);
}

TEST(Shapes, RefuseWhatIsNoShape) {
  for (const char* text :
       {"H=64,F=96,E=8", "H=64,F=96,E=8,K=9", "H=0,F=96,E=8,K=2", "H=,F=1,E=1,K=1",
        "H=64,F=96,E=8,K=2,", "H=64,F=96,E=8,K=2,K=2", "H=64,F=96,E=8,K=2,al", "F=96,H=64,E=8,K=2",
        "H=64,F=9 6,E=8,K=2", "H=99999999999999999999,F=1,E=1,K=1"}) {
    EXPECT_THROW(parse_shape(text), UserError) << text;
  }
}

}  // namespace
}  // namespace moe::harness
