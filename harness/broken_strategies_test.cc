// The judge is itself under test: every broken strategy below must be refused, on an even and on a
// skewed load, and the honest one they are made from must pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "harness/judge.h"
#include "reference/moe_layer.h"
#include "reference/route.h"

namespace moe::harness {
namespace {

// The reference as a strategy, with places where things can be made to go wrong.
class Honest : public Strategy {
 public:
  void prepare(const Layer& layer) override {
    layer_ = layer;
    weights_ = *layer.weights;
  }
  void run(const Batch& batch, MatrixView<float> y, PhaseClock&) override {
    MoeShape shape = layer_.shape;
    shape.tokens = batch.x.rows;
    dispatch_ = {reference::route<float>(TokenChoice{}, shape, batch.logits), batch.x.rows};
    used_ = dispatch_.routing;
    before(shape, batch);
    const auto out = reference::moe_layer<float>(shape, weights_, batch.x, used_);
    for (std::int64_t t = 0; t < y.rows; ++t) {
      std::copy_n(out.begin() + t * y.cols, y.cols, y.row(t).begin());
    }
    after(shape, batch, y);
  }
  Dispatch read_back() override { return dispatch_; }
  std::int64_t workspace_bytes() const override { return 0; }

 protected:
  virtual void before(const MoeShape&, const Batch&) {}                    // spoils used_, weights_
  virtual void after(const MoeShape&, const Batch&, MatrixView<float>) {}  // spoils y, dispatch_

  Layer layer_;
  ExpertWeights weights_;
  Dispatch dispatch_;  // what is reported
  Routing used_;       // what is computed with
};

using Spoil = void (*)(MatrixView<float> y, Dispatch& dispatch, const MoeShape& shape);

template <Spoil kSpoil>
class SpoilsResult final : public Honest {
  void after(const MoeShape& s, const Batch&, MatrixView<float> y) override {
    if (s.tokens > 0) kSpoil(y, dispatch_, s);
  }
};

using Confuse = void (*)(Routing& used, ExpertWeights& weights, const MoeShape& shape);

template <Confuse kConfuse>
class ComputesOtherwise final : public Honest {
  void before(const MoeShape& s, const Batch&) override {
    if (s.tokens > 0) kConfuse(used_, weights_, s);
  }
};

void all_zeros(MatrixView<float> y, Dispatch&, const MoeShape&) {
  for (std::int64_t t = 0; t < y.rows; ++t) std::ranges::fill(y.row(t), 0.0F);
}
void all_nan(MatrixView<float> y, Dispatch&, const MoeShape&) {
  for (std::int64_t t = 0; t < y.rows; ++t) std::ranges::fill(y.row(t), std::nanf(""));
}
void one_nan(MatrixView<float> y, Dispatch&, const MoeShape&) {
  y.row(y.rows / 2)[0] = std::nanf("");
}
void last_value_nan(MatrixView<float> y, Dispatch&, const MoeShape&) {
  y.row(y.rows - 1).back() = std::nanf("");
}
void one_infinity(MatrixView<float> y, Dispatch&, const MoeShape&) {
  y.row(0)[0] = std::numeric_limits<float>::infinity();
}
void one_token_dropped(MatrixView<float> y, Dispatch&, const MoeShape&) {
  std::ranges::fill(y.row(y.rows - 1), 0.0F);
}
void four_percent_dropped(MatrixView<float> y, Dispatch&, const MoeShape&) {
  for (std::int64_t t = 0; t < y.rows; t += 25) std::ranges::fill(y.row(t), 0.0F);
}
void two_rows_swapped(MatrixView<float> y, Dispatch&, const MoeShape&) {
  std::ranges::swap_ranges(y.row(0), y.row(y.rows - 1));
}
void one_token_negated(MatrixView<float> y, Dispatch&, const MoeShape&) {
  for (float& f : y.row(0)) f = -f;
}
void last_tile_missing(MatrixView<float> y, Dispatch&, const MoeShape&) {
  for (std::int64_t t = 0; t < y.rows; ++t) y.row(t).back() = 0;
}
void one_percent_too_large(MatrixView<float> y, Dispatch&, const MoeShape&) {
  for (std::int64_t t = 0; t < y.rows; ++t) {
    for (float& f : y.row(t)) f *= 1.01F;
  }
}
void padding_leaks(MatrixView<float> y, Dispatch&, const MoeShape&) {
  for (float& f : y.row(y.rows - 1)) f += 0.01F;  // a padded row added to the last token
}
void rounded_to_bf16(MatrixView<float> y, Dispatch&, const MoeShape&) {
  for (std::int64_t t = 0; t < y.rows; ++t) {
    for (float& f : y.row(t))
      f = std::bit_cast<float>(std::bit_cast<std::uint32_t>(f) & 0xFFFF0000U);
  }
}
void writes_past_the_end(MatrixView<float> y, Dispatch&, const MoeShape&) {
  y.data[y.rows * y.stride] = 0;
}
void writes_before_the_start(MatrixView<float> y, Dispatch&, const MoeShape&) { y.data[-1] = 0; }
void reports_another_weight(MatrixView<float>, Dispatch& d, const MoeShape&) {
  d.routing.weight[0] *= 1.001F;
}
void reports_another_expert(MatrixView<float>, Dispatch& d, const MoeShape& s) {
  const auto begin = d.routing.expert.begin();
  for (std::int32_t e = 0; e < s.experts; ++e) {
    if (std::find(begin, begin + s.top_k, e) == begin + s.top_k) d.routing.expert[0] = e;
  }
}
void reports_an_expert_twice(MatrixView<float>, Dispatch& d, const MoeShape&) {
  d.routing.expert[1] = d.routing.expert[0];
}
void reports_an_expert_that_is_not(MatrixView<float>, Dispatch& d, const MoeShape& s) {
  d.routing.expert[0] = static_cast<std::int32_t>(s.experts);
}
void forgets_an_assignment(MatrixView<float>, Dispatch& d, const MoeShape&) {
  d.routing.expert.pop_back();
  d.routing.weight.pop_back();
  --d.routing.offsets.back();
}

void weights_not_renormalized(Routing& used, ExpertWeights&, const MoeShape&) {
  for (float& w : used.weight) w *= 0.8F;  // the mass of the chosen, left unnormalised
}
void weights_forgotten(Routing& used, ExpertWeights&, const MoeShape&) {
  std::ranges::fill(used.weight, 1.0F);
}
void weights_of_the_choices_swapped(Routing& used, ExpertWeights&, const MoeShape& s) {
  for (std::size_t a = 0; a + 1 < used.weight.size(); a += s.top_k) {
    std::swap(used.weight[a], used.weight[a + 1]);
  }
}
void second_choice_of_one_token_lost(Routing& used, ExpertWeights&, const MoeShape&) {
  used.weight.back() = 0;
}
void an_assignment_counted_twice(Routing& used, ExpertWeights&, const MoeShape&) {
  used.weight[0] *= 2;
}
void gate_and_up_swapped(Routing&, ExpertWeights& w, const MoeShape&) { std::swap(w.gate, w.up); }
void one_row_of_gate_lost(Routing&, ExpertWeights& w, const MoeShape& s) {
  for (std::int64_t e = 0; e < s.experts; ++e) {
    std::fill_n(w.gate.begin() + ((e + 1) * s.ffn - 1) * s.hidden, s.hidden, 0.0F);
  }
}
// The expert with the fewest tokens works with its neighbour's weights.
void rare_experts_weights_wrong(Routing& used, ExpertWeights& w, const MoeShape& s) {
  std::vector<std::int64_t> load(s.experts, 0);
  for (const auto e : used.expert) ++load[e];
  std::int64_t rare = -1;
  for (std::int64_t e = 0; e < s.experts; ++e) {
    if (load[e] > 0 && (rare < 0 || load[e] < load[rare])) rare = e;
  }
  const std::int64_t size = s.ffn * s.hidden;
  const std::int64_t other = (rare + 1) % s.experts;
  std::copy_n(w.up.begin() + other * size, size, w.up.begin() + rare * size);
}

class ReturnsTheFirstResultForever final : public Honest {
  void after(const MoeShape&, const Batch&, MatrixView<float> y) override {
    if (first_.empty()) first_.assign(y.data, y.data + y.rows * y.cols);
    std::copy_n(first_.begin(), y.rows * y.cols, y.data);
  }
  std::vector<float> first_;
};

class RoutesTheFirstBatchForever final : public Honest {
  void before(const MoeShape& s, const Batch&) override {
    if (first_.offsets.empty()) first_ = used_;
    if (first_.tokens() == s.tokens) used_ = dispatch_.routing = first_;
  }
  Routing first_;
};

class LeavesTheOutputUnwritten final : public Strategy {
 public:
  void prepare(const Layer& layer) override { layer_ = layer; }
  void run(const Batch& batch, MatrixView<float>, PhaseClock&) override {
    MoeShape shape = layer_.shape;
    shape.tokens = batch.x.rows;
    dispatch_.routing = reference::route<float>(TokenChoice{}, shape, batch.logits);
  }
  Dispatch read_back() override { return dispatch_; }
  std::int64_t workspace_bytes() const override { return 0; }

 private:
  Layer layer_;
  Dispatch dispatch_;
};

class WritesToItsInputs final : public Honest {
  void after(const MoeShape&, const Batch& batch, MatrixView<float>) override {
    const_cast<float&>(batch.x.data[0]) = 0.5F;
  }
};

class WritesToTheLogits final : public Honest {
  void after(const MoeShape&, const Batch& batch, MatrixView<float>) override {
    const_cast<float&>(batch.logits.data[0]) -= 1;
  }
};

// Drops what does not fit, as a capped policy would, and calls itself dropless.
class DropsInSecret final : public Honest {
  void before(const MoeShape& s, const Batch& batch) override {
    used_ = dispatch_.routing =
        reference::route<float>(TokenChoiceCapped{.factor = 0.5}, s, batch.logits);
  }
};

// Equal logits: takes the last of the equals instead of the first.
class BreaksTiesUpwards final : public Honest {
  void before(const MoeShape& s, const Batch& batch) override {
    for (std::int64_t t = 0; t < s.tokens; ++t) {
      const auto logits = batch.logits.row(t);
      auto& worst = used_.expert[(t + 1) * s.top_k - 1];
      for (std::int32_t e = static_cast<std::int32_t>(s.experts) - 1; e > worst; --e) {
        if (logits[e] == logits[worst]) worst = e;
      }
    }
    dispatch_.routing = used_;
  }
};

struct Case {
  const char* name;
  std::unique_ptr<Strategy> (*make)();
  friend void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }
};

template <class T>
std::unique_ptr<Strategy> make() {
  return std::make_unique<T>();
}

StrategyInfo info_of(std::unique_ptr<Strategy> (*make)()) {
  return {.name = "under-test",
          .backend = Backend::kCpu,
          .summary = "",
          .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
          .unsupported = [](const MoeShape&) { return std::optional<std::string>{}; },
          .make = make};
}

constexpr MoeShape kShape{.tokens = 61, .hidden = 33, .ffn = 48, .experts = 8, .top_k = 2};

Workload workload(const char* name) {
  return make_workload(name, kShape, make_weights(kShape, 5), 7);
}

class JudgeRefuses : public testing::TestWithParam<Case> {};

TEST_P(JudgeRefuses, OnAnEvenLoad) {
  Judge judge(workload("uniform"));
  EXPECT_FALSE(judge.examine(info_of(GetParam().make), {}).validation.passed());
}

TEST_P(JudgeRefuses, OnASkewedLoad) {
  Judge judge(workload("zipf:1.5"));
  EXPECT_FALSE(judge.examine(info_of(GetParam().make), {}).validation.passed());
}

TEST(Judge, PassesTheHonest) {
  for (const char* name : {"uniform", "zipf:1.5", "collapse", "hot:1:0.5"}) {
    Judge judge(workload(name));
    const auto v = judge.examine(info_of(make<Honest>), {}).validation;
    EXPECT_TRUE(v.passed()) << name << ": " << v.fault;
    EXPECT_TRUE(v.bitwise_repeatable);
    EXPECT_TRUE(v.exact_mode);
    EXPECT_TRUE(v.guards_intact && v.inputs_intact);
  }
}

// A tie can only be broken wrongly where there is one: one expert's logit copied to another.
TEST(Judge, RefusesTiesBrokenUpwards) {
  Workload work = workload("uniform");
  for (std::int64_t t = 0; t < kShape.tokens; ++t) {
    float* row = work.logits.data() + t * kShape.experts;
    std::nth_element(row, row + 1, row + kShape.experts, std::greater<>());
    std::fill_n(row + 1, 3, row[1]);
  }
  Judge judge(work);
  EXPECT_TRUE(judge.examine(info_of(make<Honest>), {}).validation.passed());
  EXPECT_FALSE(judge.examine(info_of(make<BreaksTiesUpwards>), {}).validation.passed());
}

INSTANTIATE_TEST_SUITE_P(
    Broken, JudgeRefuses,
    testing::Values(
        Case{"AllZeros", make<SpoilsResult<all_zeros>>},
        Case{"AllNaN", make<SpoilsResult<all_nan>>}, Case{"OneNaN", make<SpoilsResult<one_nan>>},
        Case{"LastValueNaN", make<SpoilsResult<last_value_nan>>},
        Case{"OneInfinity", make<SpoilsResult<one_infinity>>},
        Case{"OneTokenDropped", make<SpoilsResult<one_token_dropped>>},
        Case{"FourPercentDropped", make<SpoilsResult<four_percent_dropped>>},
        Case{"TwoRowsSwapped", make<SpoilsResult<two_rows_swapped>>},
        Case{"OneTokenNegated", make<SpoilsResult<one_token_negated>>},
        Case{"LastTileMissing", make<SpoilsResult<last_tile_missing>>},
        Case{"OnePercentTooLarge", make<SpoilsResult<one_percent_too_large>>},
        Case{"PaddingLeaks", make<SpoilsResult<padding_leaks>>},
        Case{"RoundedToBf16", make<SpoilsResult<rounded_to_bf16>>},
        Case{"WritesPastTheEnd", make<SpoilsResult<writes_past_the_end>>},
        Case{"WritesBeforeTheStart", make<SpoilsResult<writes_before_the_start>>},
        Case{"ReportsAnotherWeight", make<SpoilsResult<reports_another_weight>>},
        Case{"ReportsAnotherExpert", make<SpoilsResult<reports_another_expert>>},
        Case{"ReportsAnExpertTwice", make<SpoilsResult<reports_an_expert_twice>>},
        Case{"ReportsAnExpertThatIsNot", make<SpoilsResult<reports_an_expert_that_is_not>>},
        Case{"ForgetsAnAssignment", make<SpoilsResult<forgets_an_assignment>>},
        Case{"WeightsNotRenormalized", make<ComputesOtherwise<weights_not_renormalized>>},
        Case{"WeightsForgotten", make<ComputesOtherwise<weights_forgotten>>},
        Case{"WeightsOfChoicesSwapped", make<ComputesOtherwise<weights_of_the_choices_swapped>>},
        Case{"SecondChoiceOfOneTokenLost",
             make<ComputesOtherwise<second_choice_of_one_token_lost>>},
        Case{"AnAssignmentCountedTwice", make<ComputesOtherwise<an_assignment_counted_twice>>},
        Case{"GateAndUpSwapped", make<ComputesOtherwise<gate_and_up_swapped>>},
        Case{"OneRowOfGateLost", make<ComputesOtherwise<one_row_of_gate_lost>>},
        Case{"RareExpertsWeightsWrong", make<ComputesOtherwise<rare_experts_weights_wrong>>},
        Case{"ReturnsTheFirstResultForever", make<ReturnsTheFirstResultForever>},
        Case{"RoutesTheFirstBatchForever", make<RoutesTheFirstBatchForever>},
        Case{"LeavesTheOutputUnwritten", make<LeavesTheOutputUnwritten>},
        Case{"WritesToItsInputs", make<WritesToItsInputs>},
        Case{"WritesToTheLogits", make<WritesToTheLogits>},
        Case{"DropsInSecret", make<DropsInSecret>}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace moe::harness
