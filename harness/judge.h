#pragma once
#include <optional>
#include <vector>

#include "harness/validate.h"
#include "harness/workload.h"
#include "kernels/contract/strategy.h"

namespace moe::harness {

struct NoClock final : PhaseClock {
  void enter(std::string_view) override {}
};

struct Judgement {
  Validation validation{};
  Output output{};  // of the first run; what later runs are compared with
  std::string library_algorithms{};
};

// Runs strategies on one workload and judges them. One strategy at a time:
//   1. poisoned output, guard bands, the tokens as they come: routing and output against the
//   reference;
//   2. the same tokens turned by one place, all of them and all but one: routing, and a sample of
//   the
//      tokens;
//   3. the first batch again, and once more with a single thread: the same bits as before?
//   4. the integer problem of the same shape: equal to the reference, bit for bit.
class Judge {
 public:
  explicit Judge(const Workload& work);

  Judgement examine(const StrategyInfo& strategy, const Knobs& knobs);

  // What token choice without a capacity does with these tokens: drops are counted against it.
  const Routing& dropless() const { return truth_.dropless(); }

  // The fault of an output that should equal an earlier, judged one; empty when it does. For the
  // check after the timed loop.
  std::string compare_with(const Judgement& judged, const RoutingPolicy& policy,
                           const Output& later);

 private:
  struct ExactProblem {
    Workload work;
    std::optional<Truth> truth;
  };
  std::string exact_fault(const StrategyInfo& strategy, const Knobs& knobs);

  Workload work_;
  Truth truth_;
  std::optional<ExactProblem> exact_;
};

}  // namespace moe::harness
