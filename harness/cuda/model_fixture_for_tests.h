#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "harness/cuda/noisy_decoder.h"
#include "harness/device_model.h"
#include "harness/simt/runtime/control.h"
#include "reference/golden_models_for_tests.h"

// What tests of whole models on the simulated device share.
//
// The bound of each number is four standard deviations of what random roundings of twice their size
// do to it (noisy_decoder.h), some seven of what f32 does: over the few thousand numbers here
// chance does not reach it, and what is wrong leaves it by far. The file's nine decimals add half a
// unit.
namespace moe::harness {

inline constexpr double kPrinted = 0.5e-9;
inline constexpr double kDeviations = 4;
inline constexpr const char* kStrategy = "sort-and-group";

// Some numbers of `want`, from `first` on.
inline void expect_near(const std::vector<float>& got, const Spread& want, const std::string& what,
                        std::size_t first = 0) {
  ASSERT_LE(first + got.size(), want.value.size()) << what;
  double worst = 0, share = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double bound = kDeviations * want.deviation[first + i] + kPrinted;
    const double error = std::fabs(static_cast<double>(got[i]) - want.value[first + i]);
    ASSERT_TRUE(error <= bound) << what << " at " << i << " is " << got[i] << ", not "
                                << want.value[first + i] << " +- " << bound;
    worst = std::max(worst, error);
    share = std::max(share, error / bound);
  }
  std::ostringstream seen;
  seen << worst << ", " << share << " of its bound";
  testing::Test::RecordProperty(what, seen.str());
}

inline void expect_all_near(const std::vector<float>& got, const Spread& want,
                            const std::string& what) {
  ASSERT_EQ(got.size(), want.value.size()) << what;
  expect_near(got, want, what);
}

// The double computation is that of the golden model: its values are the file's.
inline void expect_golden(const Spread& computed, const nlohmann::json& want,
                          const std::string& what) {
  const auto w = reference::numbers<double>(want);
  ASSERT_EQ(computed.value.size(), w.size()) << what;
  for (std::size_t i = 0; i < w.size(); ++i) {
    ASSERT_NEAR(computed.value[i], w[i], 2 * kPrinted) << what << " at " << i;
  }
}

using Spreads = std::map<std::string, Spread>;

// Rows first, first + every, .. of `rows`.
inline std::vector<double> some_rows(const Rows& rows, std::int64_t first, std::int64_t every) {
  std::vector<double> out;
  for (std::int64_t r = first; r < rows.rows; r += every) {
    out.insert(out.end(), rows.row(r), rows.row(r) + rows.cols);
  }
  return out;
}

// Orders of warps and blocks, and of when copies are done.
struct Way {
  const char* name;
  simt::Schedule schedule;
  simt::AsyncCompletion async;
};

class DeviceModelTest : public testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    simt::settings().schedule = GetParam().schedule;
    simt::settings().async = GetParam().async;
  }
  void TearDown() override {
    const auto findings = simt::take_findings();
    EXPECT_TRUE(findings.empty()) << findings.size() << " findings of the interpreter";
  }
  static std::unique_ptr<DeviceModel> make(const DecoderDescription& d, std::int64_t batch,
                                           std::int64_t length, std::int64_t tokens,
                                           DType dtype = DType::kF32) {
    return make_device_model(d,
                             {.batch = batch, .length = length, .tokens = tokens, .dtype = dtype},
                             find_device_strategy(kStrategy));
  }
  // Those of the device that drop nothing and can do this model's layers.
  static std::vector<const StrategyInfo*> dropless(const DecoderDescription& d,
                                                   DType dtype = DType::kF32) {
    MoeShape shape = d.experts;
    shape.tokens = 16;
    shape.dtype = dtype;
    std::vector<const StrategyInfo*> some;
    for (const StrategyInfo* s : all_strategies()) {
      if (s->backend == Backend::kCpu || s->unsupported(shape)) continue;
      if (std::holds_alternative<TokenChoice>(s->policy({}))) some.push_back(s);
    }
    return some;
  }
  // Logits and choices of every sparse layer, and the hidden states.
  static void expect_pass(const reference::DecoderOutput<float>& got, const Spreads& want) {
    for (std::size_t l = 0; l < got.router_logits.size(); ++l) {
      const std::string name = std::to_string(l);
      expect_all_near(got.router_logits[l].values, want.at("logits " + name), "logits " + name);
      const Spread& experts = want.at("experts " + name);
      EXPECT_THAT(experts.deviation, testing::Each(0.0)) << "a choice of expert is in doubt";
      EXPECT_THAT(got.routing[l].expert, testing::ElementsAreArray(experts.value));
    }
    expect_all_near(got.hidden.values, want.at("hidden"), "hidden");
  }
};

inline const auto kWays =
    testing::Values(Way{"natural", simt::Schedule::kNatural, simt::AsyncCompletion::kLate},
                    Way{"reversed", simt::Schedule::kReversed, simt::AsyncCompletion::kEarly},
                    Way{"random", simt::Schedule::kRandom, simt::AsyncCompletion::kRandom});
inline const auto way_name = [](const auto& info) { return std::string(info.param.name); };

}  // namespace moe::harness
