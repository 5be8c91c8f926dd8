// Runs one program under many schedules.
#include "harness/simt/cuda_tests/support/trial.h"

#include <fmt/format.h>

#include <cstdlib>

#include "harness/simt/runtime/control.h"

namespace moe::simt::cuda_tests {
namespace {

constexpr AsyncCompletion kAsyncs[] = {AsyncCompletion::kLate, AsyncCompletion::kEarly,
                                       AsyncCompletion::kRandom};
constexpr std::uint64_t kSeeds = 18;  // with natural and reversed: 20 schedules

std::vector<Way> make_all_ways() {
  std::vector<Way> ways;
  for (AsyncCompletion async : kAsyncs) {
    ways.push_back({Schedule::kNatural, 1, async});
    ways.push_back({Schedule::kReversed, 1, async});
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      ways.push_back({Schedule::kRandom, seed, async});
    }
  }
  return ways;
}

// What the device does not forget by itself: the sticky error of a fault, findings and counters.
void forget_the_last_run() {
  clear_fault();
  take_findings();
  take_counters();
}

}  // namespace

const std::vector<Way>& all_ways() {
  static const std::vector<Way> ways = make_all_ways();
  return ways;
}

const std::vector<Way>& few_ways() {
  static const std::vector<Way> ways = {Way{}, {Schedule::kRandom, 7, AsyncCompletion::kRandom}};
  // The thorough run of a release: large inputs too are run in all ways.
  return std::getenv("MOEBENCH_SIM_ALL_WAYS") != nullptr ? all_ways() : ways;
}

Trial run_once(const Way& way, const std::function<std::string()>& program) {
  forget_the_last_run();
  Settings& current = settings();
  const Settings before = current;
  current.schedule = way.schedule;
  current.seed = way.seed;
  current.async = way.async;
  Trial trial;
  trial.settings = settings_line();
  try {
    trial.wrong = program();
  } catch (const std::exception& error) {
    trial.wrong = error.what();
  }
  current = before;
  trial.findings = take_findings();
  forget_the_last_run();
  return trial;
}

bool has(Needs needs) {
  const Architecture& architecture = simulated_device().architecture;
  switch (needs) {
    case Needs::kAmpere:
      return true;
    case Needs::kAda:
    case Needs::kHopper:
      return architecture.major >= 9;
    case Needs::kWgmma:
      return architecture.name == "90a";
  }
  return false;
}

std::string describe(const Trial& trial) {
  std::string text = trial.settings;
  if (!trial.wrong.empty()) text += fmt::format("\n  {}", trial.wrong);
  for (const Finding& finding : trial.findings) {
    text += fmt::format("\n{}", moe::simt::describe(finding));
  }
  return text;
}

}  // namespace moe::simt::cuda_tests
