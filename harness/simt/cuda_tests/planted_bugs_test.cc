// Positive controls: each planted bug must be found by the check that is meant to find it, and its
// twin, put right, must be clean in every way of running. A checker that never fires is
// indistinguishable from one that does not run.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "harness/simt/cuda_tests/support/planted_bug.h"
#include "harness/simt/cuda_tests/support/trial.h"
#include "harness/simt/runtime/control.h"

namespace moe::simt::cuda_tests {
namespace {

// A deadlock is called sooner than by default: these kernels are small.
constexpr std::uint64_t kStuckAfter = 100'000;

// What became of one bug, for the table.
struct Outcome {
  std::string name;
  std::set<std::string> natural;  // checks that fired in the default order
  std::set<std::string> all;      // ... in any way of running
  int ways = 0, ways_found = 0, ways_wrong = 0;
  bool wrong_in_natural = false;
  bool found = false;
  std::string expected;
  int twin_runs = 0, twin_alarms = 0;
};
std::vector<Outcome> outcomes;

bool is_expected(const PlantedBug& bug, const Finding& finding) {
  return std::find(bug.as.begin(), bug.as.end(), finding.check) != bug.as.end();
}

std::string expectation(const PlantedBug& bug) {
  std::vector<std::string> checks;
  for (Check check : bug.as) checks.emplace_back(name_of(check));
  switch (bug.found_by) {
    case FoundBy::kNaturalOrder:
      return fmt::format("{}", fmt::join(checks, " or "));
    case FoundBy::kSchedules:
      return fmt::format("{}, over schedules", fmt::join(checks, " or "));
    case FoundBy::kLaunch:
      return "launch refused";
    case FoundBy::kValues:
      return "wrong values only";
    case FoundBy::kValuesOverSchedules:
      return "wrong values only, over schedules";
  }
  return {};
}

// Whether the bug was found by the means its entry names.
bool was_found(const PlantedBug& bug, const Outcome& outcome, int natural_hits, int hits) {
  switch (bug.found_by) {
    case FoundBy::kNaturalOrder:
      return natural_hits > 0;
    case FoundBy::kSchedules:
      return hits > 0;
    case FoundBy::kLaunch:
    case FoundBy::kValues:
      return outcome.wrong_in_natural;
    case FoundBy::kValuesOverSchedules:
      return outcome.ways_wrong > 0;
  }
  return false;
}

class IsFound : public testing::Test {
 public:
  explicit IsFound(PlantedBug bug) : bug_(std::move(bug)) {}

  void TestBody() override {
    if (!has(bug_.needs)) GTEST_SKIP() << "not on " << simulated_device().architecture.name;
    settings().stuck_after = kStuckAfter;
    Outcome outcome;
    outcome.name = bug_.name;
    outcome.expected = expectation(bug_);
    int natural_hits = 0;
    std::string seen;
    for (std::size_t i = 0; i < all_ways().size(); ++i) {
      const Trial trial = run_once(all_ways()[i], bug_.broken);
      ++outcome.ways;
      bool hit = false;
      for (const Finding& finding : trial.findings) {
        outcome.all.emplace(name_of(finding.check));
        if (i == 0) outcome.natural.emplace(name_of(finding.check));
        hit |= is_expected(bug_, finding);
      }
      outcome.ways_found += hit ? 1 : 0;
      if (i == 0) {
        natural_hits += hit ? 1 : 0;
        outcome.wrong_in_natural = !trial.wrong.empty();
        seen = describe(trial);
      }
      outcome.ways_wrong += trial.wrong.empty() ? 0 : 1;
    }
    outcome.found = was_found(bug_, outcome, natural_hits, outcome.ways_found);
    check_twin(outcome);
    outcomes.push_back(outcome);
    EXPECT_TRUE(outcome.found) << "expected: " << outcome.expected
                               << "\nfound in the natural order: " << seen << "\nover all ways: "
                               << fmt::format("{}", fmt::join(outcome.all, ", "));
  }

 private:
  void check_twin(Outcome& outcome) {
    for (const Way& way : all_ways()) {
      const Trial trial = run_once(way, bug_.twin);
      ++outcome.twin_runs;
      if (trial.wrong.empty() && trial.findings.empty()) continue;
      ++outcome.twin_alarms;
      ADD_FAILURE() << "the twin is not clean: " << describe(trial);
      return;
    }
  }

  PlantedBug bug_;
};

std::string joined(const std::set<std::string>& words) {
  return words.empty() ? "-" : fmt::format("{}", fmt::join(words, ", "));
}

// A Markdown table of what was found how, on the terminal and where MOEBENCH_PLANTED_BUGS_TABLE
// says.
class PrintTable : public testing::Environment {
 public:
  void TearDown() override {
    int found = 0, alarms = 0, twins = 0;
    std::string table =
        "| planted bug | expected | natural order | over schedules | ways that found it | values "
        "wrong |\n|---|---|---|---|---|---|\n";
    for (const Outcome& o : outcomes) {
      found += o.found ? 1 : 0;
      alarms += o.twin_alarms;
      twins += o.twin_runs;
      table +=
          fmt::format("| {} | {} | {} | {} | {} of {} | {}{} |\n", o.name, o.expected,
                      joined(o.natural), joined(o.all), o.ways_found, o.ways,
                      o.ways_wrong == 0 ? "never" : fmt::format("{} of {}", o.ways_wrong, o.ways),
                      o.found ? "" : " **NOT FOUND**");
    }
    table +=
        fmt::format("\ncompute_{}: found {} of {} planted bugs; twins: {} runs, {} false alarms\n",
                    simulated_device().architecture.name, found, outcomes.size(), twins, alarms);
    fmt::print("\n{}", table);
    if (const char* path = std::getenv("MOEBENCH_PLANTED_BUGS_TABLE")) {
      if (std::FILE* file = std::fopen(path, "w")) {
        fmt::print(file, "{}", table);
        std::fclose(file);
      }
    }
  }
};

bool register_all() {
  for (PlantedBugs (*list)() : {barrier::bugs, warp::bugs, block_race::bugs, grid_race::bugs,
                                bounds::bugs, value::bugs, copy_async::bugs, mbarrier::bugs,
                                bulk_copy::bugs, cluster::bugs, wgmma::bugs, launch::bugs}) {
    for (const PlantedBug& bug : list()) {
      testing::RegisterTest("PlantedBugIsFound", bug.name.c_str(), nullptr, nullptr, __FILE__,
                            __LINE__, [bug]() -> testing::Test* { return new IsFound(bug); });
    }
  }
  testing::AddGlobalTestEnvironment(new PrintTable);
  return true;
}
const bool registered = register_all();

}  // namespace
}  // namespace moe::simt::cuda_tests
