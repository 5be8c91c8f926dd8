#include "harness/simt/runtime/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "kernels/contract/error.h"

namespace moe::simt {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Environment read(const std::map<std::string, std::string>& variables) {
  return read_environment([&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

std::string refusal_of(const std::string& name, const std::string& value) {
  try {
    read({{name, value}});
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(Environment, WithoutVariablesIsAnH100WithLateCopiesAndChecks) {
  const Environment environment = read({});
  EXPECT_EQ(environment.architecture, "90a");
  EXPECT_EQ(environment.settings.schedule, Schedule::kNatural);
  EXPECT_EQ(environment.settings.async, AsyncCompletion::kLate);
  EXPECT_TRUE(environment.settings.check_races);
  EXPECT_FALSE(environment.strict);
  EXPECT_FALSE(environment.report);
}

TEST(Environment, ReadsTheSeedOfARandomSchedule) {
  const Environment environment = read({{"MOEBENCH_SIM_SCHEDULE", "random:77"}});
  EXPECT_EQ(environment.settings.schedule, Schedule::kRandom);
  EXPECT_EQ(environment.settings.seed, 77u);
}

TEST(Environment, WhatItPrintsReadsBackTheSame) {
  const Environment environment = read({{"MOEBENCH_SIM_ARCH", "80"},
                                        {"MOEBENCH_SIM_SCHEDULE", "random:12345"},
                                        {"MOEBENCH_SIM_ASYNC", "random"},
                                        {"MOEBENCH_SIM_CHECK", "off"}});
  EXPECT_EQ(as_variables(environment.architecture, environment.settings),
            "MOEBENCH_SIM_ARCH=80 MOEBENCH_SIM_SCHEDULE=random:12345 MOEBENCH_SIM_ASYNC=random "
            "MOEBENCH_SIM_WORKERS=1 MOEBENCH_SIM_CHECK=off");
}

TEST(Environment, AWrongWordIsAnsweredWithTheNearestRightOne) {
  EXPECT_THAT(
      refusal_of("MOEBENCH_SIM_SCHEDULE", "reversd"),
      AllOf(HasSubstr("MOEBENCH_SIM_SCHEDULE=reversd"), HasSubstr("did you mean \"reversed\"?")));
}

TEST(Environment, RefusesArchitecturesItDoesNotKnow) {
  EXPECT_THAT(refusal_of("MOEBENCH_SIM_ARCH", "75"), HasSubstr("one of 100a, 80, 90a"));
}

TEST(Environment, RefusesASeedThatIsNoNumber) {
  EXPECT_THAT(refusal_of("MOEBENCH_SIM_SCHEDULE", "random:7x"), HasSubstr("random:SEED"));
  EXPECT_THAT(refusal_of("MOEBENCH_SIM_SCHEDULE", "natural:7"), HasSubstr("random:SEED"));
}

TEST(Environment, RefusesWorkersBesideAScheduleThatNeedsOne) {
  EXPECT_THROW(read({{"MOEBENCH_SIM_WORKERS", "4"}, {"MOEBENCH_SIM_SCHEDULE", "reversed"}}),
               UserError);
  EXPECT_EQ(read({{"MOEBENCH_SIM_WORKERS", "4"}}).settings.workers, 4);
  EXPECT_THAT(refusal_of("MOEBENCH_SIM_WORKERS", "0"), HasSubstr("from 1 to 1024"));
}

TEST(Environment, RefusesASwitchThatIsNeitherOnNorOff) {
  EXPECT_THAT(refusal_of("MOEBENCH_SIM_CHECK", "maybe"), HasSubstr("MOEBENCH_SIM_CHECK=maybe"));
}

}  // namespace
}  // namespace moe::simt
