#pragma once
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/contract/strategy.h"

namespace moe::harness {

// What a strategy handed back, copied to the host.
struct Output {
  std::vector<float> y{};  // [T, H]
  Dispatch dispatch{};
};

// One output, judged. Comparisons are written so that NaN fails.
struct Validation {
  // The token whose error is the largest share of its bound: |y - ref| / |ref| (L2 over the row),
  // and what rounding alone can explain of it (reference/error_bound.h).
  double worst_error = 0;
  std::int64_t worst_token = -1;
  double bound = 0;
  std::int64_t routing_differences =
      0;                       // assignments that are not the policy's, or wrongly weighted
  std::int64_t near_ties = 0;  // expert choice: other tokens, but of equal score within rounding
  bool bitwise_repeatable = false;  // same bits on every run and with one thread
  bool guards_intact = false;       // nothing written outside y
  bool inputs_intact = false;       // nothing written to x or logits
  bool exact_mode = false;          // the integer problem of this shape came out bit for bit
  double zero_rows = 0;  // share of the served tokens whose reference output is all zeros
  double distance_from_dropless = 0;  // |y - dropless ref| / |dropless ref|: a policy's finding
  std::string fault{};                // in words, empty when passed: the first thing that was wrong

  bool passed() const { return fault.empty() && worst_error <= bound; }  // false on NaN
};

// What the reference says about one problem. Computed once per routing and kept, since most
// strategies of a problem return the same one.
class Truth {
 public:
  explicit Truth(const Problem& problem);

  struct Layer {
    std::vector<double> y;      // [T, H]
    std::vector<double> bound;  // [T], absolute: reference/error_bound.h
  };
  const Layer& under(const Routing& routing);
  const Routing& dropless() const { return dropless_; }
  const Problem& problem() const { return problem_; }

 private:
  Problem problem_;
  std::vector<double> x_;
  Routing dropless_;
  std::deque<std::pair<Routing, Layer>> known_;
};

// The part of a judgement about values: sets worst_error, worst_token, bound and zero_rows from the
// token whose error is the largest share of its bound. y: [T, H].
void compare_rows(const MoeShape& shape, const Routing& routing, std::span<const float> y,
                  const Truth::Layer& truth, Validation& validation);

// Judges y and the routing: the routing against the policy's, y against the exact output of the
// routing that was returned. Leaves the fields that need a running strategy to judge.h.
Validation validate(Truth& truth, const RoutingPolicy& policy, const Output& output);

}  // namespace moe::harness
