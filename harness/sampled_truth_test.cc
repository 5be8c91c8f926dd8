#include "harness/sampled_truth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "harness/cell.h"
#include "harness/judge.h"
#include "kernels/contract/error.h"
#include "reference/moe_layer.h"

namespace moe::harness {
namespace {

Workload workload(const char* name) {
  const Cell cell = parse_problem(name);
  return make_workload(cell.workload, cell.shape, make_weights(cell.shape, 1), 1);
}

// The exact output, rounded to float once.
std::vector<float> exact_output(const Workload& work) {
  Truth truth(work.problem());
  const auto& y = truth.under(truth.dropless()).y;
  return {y.begin(), y.end()};
}

double bound_with(const Workload& work, const std::vector<std::string>& names) {
  SampledTruth truth(work, 1);
  return truth.judge(exact_output(work), with_roundings(work.shape.dtype, names)).bound;
}

TEST(SampledTruth, JudgesTokensThatAreEvenlySpread) {
  const Workload work = workload("tiny/T=10/uniform/f32");
  EXPECT_THAT(SampledTruth(work, 4).tokens(), testing::ElementsAre(0, 2, 5, 7));
  EXPECT_EQ(SampledTruth(work, 99).tokens().size(), 10U);
}

TEST(SampledTruth, PassesTheExactOutput) {
  const Workload work = workload("tiny/T=10/zipf:1.0/bf16");
  SampledTruth truth(work, 4);
  EXPECT_TRUE(truth.judge(exact_output(work), with_roundings(DType::kBf16, {})).passed());
}

TEST(SampledTruth, NamesTheWrongTokenAsTheWorkloadCountsIt) {
  const Workload work = workload("tiny/T=10/uniform/f32");
  SampledTruth truth(work, 4);
  auto y = exact_output(work);
  y[7 * work.shape.hidden] += 1;
  const auto v = truth.judge(y, with_roundings(DType::kF32, {}));
  EXPECT_FALSE(v.passed());
  EXPECT_EQ(v.worst_token, 7);
}

TEST(SampledTruth, RefusesWhatIsNotFiniteInAnyToken) {
  const Workload work = workload("tiny/T=10/uniform/f32");
  SampledTruth truth(work, 1);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    auto y = exact_output(work);
    y.back() = bad;
    const auto v = truth.judge(y, with_roundings(DType::kF32, {}));
    EXPECT_FALSE(v.passed());
    EXPECT_EQ(v.worst_token, 9);
  }
}

TEST(WithRoundings, EachNameWidensTheBoundInBf16) {
  const Workload work = workload("tiny/T=3/uniform/bf16");
  const double strict = bound_with(work, {});
  for (const std::string& name : rounding_names()) {
    const double allowed = bound_with(work, {name});
    EXPECT_GT(allowed, strict) << name;
    EXPECT_LT(allowed, 2 * strict) << name;
  }
}

TEST(WithRoundings, AllowNothingInF32) {
  const Workload work = workload("tiny/T=3/uniform/f32");
  EXPECT_EQ(bound_with(work, rounding_names()), bound_with(work, {}));
}

TEST(WithRoundings, RefusesAnUnknownName) {
  const std::vector<std::string> names = {"reslt"};
  EXPECT_THAT([&] { with_roundings(DType::kBf16, names); },
              testing::ThrowsMessage<UserError>(testing::HasSubstr("did you mean \"result\"?")));
}

}  // namespace
}  // namespace moe::harness
