// Runs one program under many schedules, and says what the checks found in each.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "harness/simt/check/finding.h"
#include "harness/simt/cuda_tests/support/case.h"
#include "harness/simt/machine/settings.h"

namespace moe::simt::cuda_tests {

// One way of running: the order of warps and blocks, and when copies are done.
struct Way {
  Schedule schedule = Schedule::kNatural;
  std::uint64_t seed = 1;
  AsyncCompletion async = AsyncCompletion::kLate;
};

// Natural (with copies late: the default), then natural, reversed and 18 seeds x early, late,
// random.
const std::vector<Way>& all_ways();
// The default way and one seed; all ways where the variable MOEBENCH_SIM_ALL_WAYS is set.
const std::vector<Way>& few_ways();

struct Trial {
  std::string wrong;  // what the program complained of; empty if nothing
  std::vector<Finding> findings;
  std::string settings;  // the variables that repeat it
};

// Runs `program` once. Afterwards the device is usable again, whatever the program did to it.
Trial run_once(const Way& way, const std::function<std::string()>& program);

// The architecture of this process (MOEBENCH_SIM_ARCH) has what a case needs.
bool has(Needs needs);

// The trial for a failure message: its settings, complaint and findings.
std::string describe(const Trial& trial);

}  // namespace moe::simt::cuda_tests
