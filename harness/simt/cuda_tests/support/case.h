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

// One list a file of cases.
Cases routing_cases();
Cases scan_cases();
Cases warp_cases();
Cases atomic_cases();
Cases control_cases();
Cases memory_cases();
Cases arithmetic_cases();
Cases tile_cases();
Cases pipeline_cases();
Cases grouped_gemm_cases();
Cases bulk_copy_cases();
Cases hopper_gemm_cases();
Cases cub_sort_cases();
Cases cub_scan_cases();
Cases cub_block_cases();

// All that a test program runs: corpus_list.cc, cub_list.cc.
Cases program_cases();
Cases joined(std::initializer_list<Cases> lists);

}  // namespace moe::simt::cuda_tests
