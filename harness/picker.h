#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/record.h"
#include "kernels/contract/ceilings.h"
#include "kernels/contract/strategy.h"

namespace moe::harness {

// From a shape and a load to the strategy that should be fastest on this machine's CPU. For those
// of token choice that state their plan: they all compute the same function.

struct Prediction {
  const StrategyInfo* strategy;
  double seconds;  // of one run on the same weights again and again
};

// The time of a plan. Each expert's weights are read once for every 252 rows, at the speed of
// memory or, where all that is read fits the last-level cache, of the cache; its rows are
// multiplied at most of the peak rate; the lesser of the two times is nearly hidden behind the
// greater. Copies and the calling of threads come on top.
double predicted_seconds(const MoeShape& shape, const DispatchPlan& plan,
                         const CpuCeilings& ceilings);

// Fastest first; equal ones by name.
std::vector<Prediction> predict(const MoeShape& shape,
                                std::span<const std::int64_t> tokens_per_expert,
                                const CpuCeilings& ceilings);

// What trusting predict() would have cost on a problem where several strategies were measured.
struct Regret {
  std::string problem{};
  std::string picked{};
  std::string best{};
  double regret = 0;  // median of the picked one over the least median, minus 1
};
// One for each problem with at least two measured strategies that have plans.
std::vector<Regret> regrets(const std::vector<Record>& records, const CpuCeilings& ceilings);

}  // namespace moe::harness
