#include <gtest/gtest.h>

#include "harness/measure.h"

namespace moe::harness {
namespace {

StrategyInfo strategy_on(Backend backend) {
  StrategyInfo info = *all_strategies().front();
  info.backend = backend;
  return info;
}

TEST(Timeable, AStrategyOnAProcessorOrADeviceHasATime) {
  EXPECT_TRUE(Timeable::of(strategy_on(Backend::kCpu)).has_value());
  EXPECT_TRUE(Timeable::of(strategy_on(Backend::kCuda)).has_value());
}

TEST(Timeable, ASimulatedStrategyHasNone) {
  EXPECT_FALSE(Timeable::of(strategy_on(Backend::kSim)).has_value());
}

// The only way to a Timeable is of(): measure() cannot be handed anything else.
static_assert(!std::is_constructible_v<Timeable, const StrategyInfo&>);
static_assert(!std::is_default_constructible_v<Timeable>);

}  // namespace
}  // namespace moe::harness
