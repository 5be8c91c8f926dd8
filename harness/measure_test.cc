#include "harness/measure.h"

#include <gtest/gtest.h>

#include "harness/run_problem.h"

namespace moe::harness {
namespace {

// Times nothing that is looked at: what else a measurement brings along.
std::vector<Measurement> measure_briefly(const MeasureOptions& options) {
  const MoeShape shape{.tokens = 3, .hidden = 8, .ffn = 8, .experts = 4, .top_k = 2};
  const Workload work = make_workload("uniform", shape, make_weights(shape, 1), 1);
  Judge judge(work);
  const StrategyInfo& info = *find_strategy("sort-and-group@cpu");
  const Judgement judgement = judge.examine(info, {});
  const std::vector<Contestant> contestants(2, {*Timeable::of(info), {}, &judgement});
  return measure(work, judge, contestants, options);
}

TEST(Measure, ReadsTheGpuOnceBeforeAndOnceAfterTheSamplesOfAll) {
  int turns = 0, reads = 0;
  std::vector<int> turns_before_read;
  const auto results = measure_briefly({.samples = 1,
                                        .max_seconds = 1e-6,
                                        .on_turn = [&](std::size_t) { ++turns; },
                                        .read_gpu =
                                            [&] {
                                              turns_before_read.push_back(turns);
                                              return GpuReading{.power_watts = ++reads};
                                            }});
  ASSERT_EQ(results.size(), 2U);
  for (const Measurement& m : results) {
    ASSERT_TRUE(m.gpu.has_value());
    EXPECT_EQ(m.gpu->before.power_watts, 1);
    EXPECT_EQ(m.gpu->after.power_watts, 2);
  }
  // Two to get ready, then the samples, six of each at least.
  ASSERT_EQ(turns_before_read.size(), 2U);
  EXPECT_EQ(turns_before_read[0], 2);
  EXPECT_GE(turns_before_read[1], 2 + 2 * 6);
}

TEST(Measure, WithoutAGpuHasNoReading) {
  for (const Measurement& m : measure_briefly({.samples = 1, .max_seconds = 1e-6})) {
    EXPECT_FALSE(m.gpu.has_value());
  }
}

}  // namespace
}  // namespace moe::harness
