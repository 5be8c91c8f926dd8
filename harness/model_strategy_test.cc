#include "harness/model_strategy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "kernels/contract/device.h"
#include "kernels/contract/error.h"
#include "reference/generated_weights.h"
#include "reference/time_moe.h"

namespace moe::harness {
namespace {

// The reference behind the contract, with its number of prepares and the most tokens it was told.
int prepared = 0;
class Naive : public Strategy {
 public:
  void prepare(const Layer& layer) override {
    layer_ = layer;
    ++prepared;
  }
  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    if (batch.x.rows > layer_.shape.tokens) throw std::logic_error("more tokens than prepared for");
    clock.enter("experts");
    MoeShape shape = layer_.shape;
    shape.tokens = batch.x.rows;
    routing_ = reference::route<float>(TokenChoice{}, shape, batch.logits);
    const auto out = reference::moe_layer<float>(shape, *layer_.weights, batch.x, routing_);
    std::ranges::copy(out, y.data);
  }
  Dispatch read_back() override { return {routing_, routing_.assignments()}; }
  std::int64_t workspace_bytes() const override { return 0; }

 private:
  Layer layer_;
  Routing routing_;
};

StrategyInfo naive(Backend backend = Backend::kCpu) {
  return {"naive",
          backend,
          "the reference itself",
          [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
          [](const MoeShape& s) -> std::optional<std::string> {
            if (s.hidden > 16) return "hidden is above 16";
            return std::nullopt;
          },
          []() -> std::unique_ptr<Strategy> { return std::make_unique<Naive>(); }};
}

reference::TimeMoe tiny() {
  const auto config = reference::read_model_config(std::string(MOEBENCH_SOURCE_DIR) +
                                                   "/reference/configs/tiny_time_moe.json");
  return reference::make_time_moe(std::get<reference::TimeMoeConfig>(config),
                                  reference::golden_weights());
}

reference::Matrix<float> context() { return {2, 6, reference::golden_values("input", 0, 2, 12)}; }

TEST(ModelStrategy, TheNaiveStrategyIsTheModel) {
  const auto model = tiny();
  const auto strategy = naive();
  const auto want = reference::time_moe_generate(model, context(), {}, 13);
  const auto got =
      reference::time_moe_generate(model, context(), {}, 13, strategy_experts(strategy));
  EXPECT_EQ(got.sequence.values, want.sequence.values);
}

// Passes of 12, 16, 8 tokens: the first two need room, the third has it.
TEST(ModelStrategy, PreparesEachLayerWhenItsTokensGrow) {
  prepared = 0;
  const auto strategy = naive();
  reference::time_moe_generate(tiny(), context(), {}, 13, strategy_experts(strategy));
  EXPECT_EQ(prepared, 2 * 2);
}

TEST(ModelStrategy, UnsupportedLayersAreTheUsersToKnow) {
  const auto strategy = naive();
  const auto experts = strategy_experts(strategy);
  const ExpertWeights weights;
  const std::vector<float> x(17);
  const MoeShape shape{.tokens = 1, .hidden = 17, .ffn = 1, .experts = 1, .top_k = 1};
  try {
    experts(0, shape, weights, packed(x.data(), 1, 17), packed(x.data(), 1, 1));
    FAIL() << "accepted";
  } catch (const UserError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("naive@cpu"));
    EXPECT_THAT(e.what(), testing::HasSubstr("hidden is above 16"));
  }
}

TEST(ModelStrategy, AStrategyWhoseDeviceIsNotThereIsTheUsersToKnow) {
  if (cuda_device() != nullptr) GTEST_SKIP() << "this program has a device";
  const auto strategy = naive(Backend::kCuda);
  EXPECT_THROW(strategy_experts(strategy), UserError);
}

// All strategies that were built, against the naive model: those that route as it does agree up to
// float, the others at least run.
TEST(ModelStrategy, EveryBuiltStrategyRunsInsideAModel) {
  const auto model = tiny();
  const auto want = reference::time_moe_generate(model, context(), {}, 13);
  for (const StrategyInfo* s : all_strategies()) {
    const MoeShape shape{
        .tokens = 12, .hidden = 16, .ffn = 12, .experts = 4, .top_k = 2, .renormalize = false};
    if (s->backend != Backend::kCpu || s->unsupported(shape)) continue;
    const auto got = reference::time_moe_generate(model, context(), {}, 13, strategy_experts(*s));
    ASSERT_EQ(got.sequence.values.size(), want.sequence.values.size()) << full_name(*s);
    const bool same_routing = std::holds_alternative<TokenChoice>(s->policy({}));
    for (std::size_t i = 0; i < want.sequence.values.size(); ++i) {
      ASSERT_TRUE(std::isfinite(got.sequence.values[i])) << full_name(*s);
      // As the golden numbers: what float holds of values of a few units after three passes.
      if (same_routing) {
        ASSERT_NEAR(got.sequence.values[i], want.sequence.values[i], 2e-5) << full_name(*s);
      }
    }
  }
}

TEST(FindModelStrategy, NamesTheNearest) {
  if (all_strategies().empty()) GTEST_SKIP() << "no strategy was built";
  const StrategyInfo* first = all_strategies().front();
  EXPECT_EQ(&find_model_strategy(std::string(first->name)), first);
  EXPECT_EQ(&find_model_strategy(full_name(*first)), first);
  try {
    find_model_strategy(std::string(first->name) + "x");
    FAIL() << "found";
  } catch (const UserError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("did you mean \"" + std::string(first->name)));
  }
}

}  // namespace
}  // namespace moe::harness
