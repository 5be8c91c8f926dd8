// Kernels that are right, under many legal schedules: every value as computed on the host, and not
// one finding. A check that cries wolf would be switched off; this is what keeps it honest.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "harness/simt/cuda_tests/support/case.h"
#include "harness/simt/cuda_tests/support/trial.h"
#include "harness/simt/runtime/control.h"

namespace moe::simt::cuda_tests {
namespace {

struct Totals {
  int runs = 0;
  int with_findings = 0;
  int wrong = 0;
};
Totals totals;

class RunsCorrectlyWithoutFindings : public testing::Test {
 public:
  explicit RunsCorrectlyWithoutFindings(Case of) : case_(std::move(of)) {}

  void TestBody() override {
    if (!has(case_.needs)) GTEST_SKIP() << "not on " << simulated_device().architecture.name;
    for (const Way& way : case_.effort == Effort::kAllSchedules ? all_ways() : few_ways()) {
      const Trial trial = run_once(way, case_.run);
      ++totals.runs;
      if (!trial.wrong.empty()) ++totals.wrong;
      if (!trial.findings.empty()) ++totals.with_findings;
      // One failure says enough: the next way would most likely repeat it.
      ASSERT_TRUE(trial.wrong.empty() && trial.findings.empty()) << describe(trial);
    }
  }

 private:
  Case case_;
};

class PrintTotals : public testing::Environment {
 public:
  void TearDown() override {
    fmt::print("compute_{}: {} runs, {} false alarms, {} wrong\n",
               simulated_device().architecture.name, totals.runs, totals.with_findings,
               totals.wrong);
  }
};

bool register_all() {
  for (const Case& each : program_cases()) {
    testing::RegisterTest(
        "RunsCorrectlyWithoutFindings", each.name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
        [each]() -> testing::Test* { return new RunsCorrectlyWithoutFindings(each); });
  }
  testing::AddGlobalTestEnvironment(new PrintTotals);
  return true;
}
const bool registered = register_all();

}  // namespace

Cases joined(std::initializer_list<Cases> lists) {
  Cases all;
  for (const Cases& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

}  // namespace moe::simt::cuda_tests
