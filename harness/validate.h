#pragma once
#include <cstdint>
#include <string>

#include "kernels/contract/strategy.h"

namespace moe::harness {

// What a strategy handed back, copied to the host.
struct Output {
  std::vector<float> y{};  // [T, H]
  Dispatch dispatch{};
};

// One output, judged. Comparisons are written so that NaN fails.
struct Validation {
  double worst_error = 0;  // of one token: |y - ref| / |ref| (L2 over the row), the worst of all
  std::int64_t worst_token = -1;
  double bound = 0;  // what rounding can explain: validate.cc derives it
  std::int64_t routing_differences =
      0;                       // assignments that are not the policy's, or wrongly weighted
  std::int64_t near_ties = 0;  // expert choice: other tokens, but of equal score within rounding
  bool bitwise_repeatable = false;  // same bits on every run and with 1 thread
  bool guards_intact = false;       // nothing written outside y
  bool inputs_intact = false;       // nothing written to x or logits
  bool exact_mode = false;          // the integer problem of the same shape came out bit for bit
  double distance_from_dropless =
      0;                // |y - dropless ref| / |dropless ref|, the finding of a policy
  std::string fault{};  // in words, empty when passed: the first thing that was wrong

  bool passed() const { return fault.empty() && worst_error <= bound; }  // false on NaN
};

}  // namespace moe::harness
