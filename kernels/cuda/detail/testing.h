// For the tests of single stages: a program run in the interpreter in many orders.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"
#include "harness/simt/cuda_tests/support/trial.h"

namespace moe::cuda::testing {

using simt::cuda_tests::DeviceArray;
using simt::cuda_tests::Numbers;

// Natural, reversed and seeded orders, with copies late, early and at random: twelve; all sixty
// where the variable MOEBENCH_SIM_ALL_WAYS is set; one where MOEBENCH_SIM_ONE_WAY is, whose counts
// scripts/cuda_counters.py compares.
inline std::vector<simt::cuda_tests::Way> some_ways() {
  const auto& all = simt::cuda_tests::all_ways();
  if (std::getenv("MOEBENCH_SIM_ALL_WAYS") != nullptr) return all;
  if (std::getenv("MOEBENCH_SIM_ONE_WAY") != nullptr) return {all.front()};
  std::vector<simt::cuda_tests::Way> some;
  for (std::size_t i = 0; i < all.size(); i += 5) some.push_back(all[i]);
  return some;
}

// `program` returns what was wrong first, or an empty text. No finding, no wrong value, in any way.
inline void expect_right(const std::function<std::string()>& program,
                         const std::vector<simt::cuda_tests::Way>& ways = some_ways()) {
  for (const auto& way : ways) {
    const auto trial = simt::cuda_tests::run_once(way, program);
    ASSERT_TRUE(trial.wrong.empty() && trial.findings.empty()) << describe(trial);
  }
}

}  // namespace moe::cuda::testing
