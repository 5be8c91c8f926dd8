// A small program that is wrong in one way, beside the same program put right.
#pragma once
#include <string>
#include <vector>

#include "harness/simt/check/finding.h"
#include "harness/simt/cuda_tests/support/case.h"

namespace moe::simt::cuda_tests {

// The weakest means that is sure to find the bug.
enum class FoundBy {
  kNaturalOrder,         // a check, in the default order already
  kSchedules,            // a check, in at least one of the 60 ways of running
  kLaunch,               // the runtime refuses the launch
  kValues,               // no check can know; the values are wrong in the default order
  kValuesOverSchedules,  // no check can know; the values are wrong in at least one way
};

struct PlantedBug {
  std::string name;
  FoundBy found_by = FoundBy::kNaturalOrder;
  std::vector<Check> as;  // one of these; empty where no check is meant to find it
  Needs needs = Needs::kAmpere;
  std::string (*broken)();  // as Case::run
  std::string (*twin)();
};

using PlantedBugs = std::vector<PlantedBug>;

PlantedBugs barrier_bugs();
PlantedBugs warp_bugs();
PlantedBugs block_race_bugs();
PlantedBugs grid_race_bugs();
PlantedBugs bounds_bugs();
PlantedBugs value_bugs();
PlantedBugs copy_async_bugs();
PlantedBugs mbarrier_bugs();
PlantedBugs bulk_copy_bugs();
PlantedBugs cluster_bugs();
PlantedBugs wgmma_bugs();
PlantedBugs launch_bugs();

}  // namespace moe::simt::cuda_tests
