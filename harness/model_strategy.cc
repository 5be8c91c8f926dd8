#include "harness/model_strategy.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

class NoClock : public PhaseClock {
 public:
  void enter(std::string_view) override {}
};

// One layer's instance and what it was prepared for.
struct Prepared {
  std::unique_ptr<Strategy> strategy;
  MoeShape shape;
  const ExpertWeights* weights = nullptr;

  bool fits(const MoeShape& asked, const ExpertWeights& w) const {
    MoeShape as_large = asked;
    as_large.tokens = shape.tokens;
    return strategy && weights == &w && as_large == shape && asked.tokens <= shape.tokens;
  }
};

}  // namespace

reference::RoutedExperts<float> strategy_experts(const StrategyInfo& strategy) {
  if (strategy.backend != Backend::kCpu) {
    throw UserError("strategy \"" + full_name(strategy) +
                    "\" does not run on the CPU, expected one that does: whole models run there");
  }
  auto layers = std::make_shared<std::map<std::int64_t, Prepared>>();
  return
      [&strategy, layers](std::int64_t layer, const MoeShape& shape, const ExpertWeights& weights,
                          MatrixView<const float> x, MatrixView<const float> logits) {
        Prepared& prepared = (*layers)[layer];
        if (!prepared.fits(shape, weights)) {
          if (const auto reason = strategy.unsupported(shape)) {
            throw UserError("strategy \"" + full_name(strategy) +
                            "\" does not support this model's layers: " + *reason);
          }
          prepared = {strategy.make(), shape, &weights};
          prepared.strategy->prepare({.shape = shape, .weights = &weights});
        }
        reference::RoutedOutput<float> out;
        out.y.resize(static_cast<std::size_t>(x.rows * x.cols));
        NoClock clock;
        prepared.strategy->run({x, logits}, packed(out.y.data(), x.rows, x.cols), clock);
        out.routing = prepared.strategy->read_back().routing;
        return out;
      };
}

const StrategyInfo& find_cpu_strategy(const std::string& name) {
  std::vector<std::string> known;
  for (const StrategyInfo* s : all_strategies()) {
    if (s->backend != Backend::kCpu) continue;
    if (s->name == name || full_name(*s) == name) return *s;
    known.emplace_back(s->name);
  }
  throw UserError("unknown strategy \"" + name + "\"" + did_you_mean(name, known) +
                  "; known: " + (known.empty() ? "none was built" : comma_separated(known)));
}

}  // namespace moe::harness
