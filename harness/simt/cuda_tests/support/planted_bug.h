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

// One list a file, in a namespace of that file: several are compiled as one.
namespace barrier {
PlantedBugs bugs();
}
namespace warp {
PlantedBugs bugs();
}
namespace block_race {
PlantedBugs bugs();
}
namespace grid_race {
PlantedBugs bugs();
}
namespace bounds {
PlantedBugs bugs();
}
namespace value {
PlantedBugs bugs();
}
namespace copy_async {
PlantedBugs bugs();
}
namespace mbarrier {
PlantedBugs bugs();
}
namespace bulk_copy {
PlantedBugs bugs();
}
namespace cluster {
PlantedBugs bugs();
}
namespace wgmma {
PlantedBugs bugs();
}
namespace launch {
PlantedBugs bugs();
}

}  // namespace moe::simt::cuda_tests
