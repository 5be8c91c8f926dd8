// A program of the corpus: some launches, and a plain host computation to compare with.
#pragma once
#include <initializer_list>
#include <string>
#include <vector>

namespace moe::simt::cuda_tests {

enum class Needs {
  kAmpere,  // runs everywhere
  kAda,     // fp8 products: everything but compute_80
  kHopper,  // bulk copies, clusters: 90a and 100a
  kWgmma,   // 90a only
};

enum class Effort {
  kAllSchedules,  // natural, reversed and seeded orders, each with copies early, late and at random
  kFewSchedules,  // the natural order and one seed: large inputs
};

struct Case {
  std::string name;
  Needs needs = Needs::kAmpere;
  Effort effort = Effort::kAllSchedules;
  std::string (*run)();  // empty: every value was right; otherwise what was wrong first
};

using Cases = std::vector<Case>;

// One list a file of cases, in a namespace of that file: several are compiled as one.
namespace routing {
Cases cases();
}
namespace scan {
Cases cases();
}
namespace warp {
Cases cases();
}
namespace atomic {
Cases cases();
}
namespace control {
Cases cases();
}
namespace memory {
Cases cases();
}
namespace arithmetic {
Cases cases();
}
namespace tile {
Cases cases();
}
namespace pipeline {
Cases cases();
}
namespace grouped_gemm {
Cases cases();
}
namespace bulk_copy {
Cases cases();
}
namespace hopper_gemm {
Cases cases();
}
namespace cub_sort {
Cases cases();
}
namespace cub_scan {
Cases cases();
}
namespace cub_block {
Cases cases();
}

// All that a test program runs: corpus_list.cc, cub_list.cc.
Cases program_cases();
Cases joined(std::initializer_list<Cases> lists);

}  // namespace moe::simt::cuda_tests
