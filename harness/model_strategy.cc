#include "harness/model_strategy.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/device_memory.h"
#include "harness/guarded_matrix.h"
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

std::vector<float> values_of(MatrixView<const float> m) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(m.rows * m.cols));
  for (std::int64_t r = 0; r < m.rows; ++r) {
    values.insert(values.end(), m.row(r).begin(), m.row(r).end());
  }
  return values;
}

// y [T, H] of one f32 batch that lies on the host.
std::vector<float> run_once(Strategy& strategy, const Batch& batch, Device* device) {
  const std::int64_t rows = batch.x.rows;
  const std::int64_t columns = batch.x.cols;
  NoClock clock;
  if (device == nullptr) {
    std::vector<float> y(static_cast<std::size_t>(rows * columns));
    strategy.run(batch, packed(y.data(), rows, columns), clock);
    return y;
  }
  const Placed<float> x(values_of(batch.x), columns, device);
  const Placed<float> logits(values_of(batch.logits), batch.logits.cols, device);
  GuardedMatrix y(rows, columns, device);
  strategy.run({x.rows(0, rows), logits.rows(0, rows)}, y.view(), clock);
  return y.copy();
}

}  // namespace

reference::RoutedExperts<float> strategy_experts(const StrategyInfo& strategy) {
  Device* const device = device_of(strategy.backend);
  if (strategy.backend != Backend::kCpu) {
    const auto why = device == nullptr ? "built without CUDA" : device->unusable();
    if (why) throw UserError("strategy \"" + full_name(strategy) + "\" cannot run: " + *why);
  }
  auto layers = std::make_shared<std::map<std::int64_t, Prepared>>();
  return [&strategy, layers, device](std::int64_t layer, const MoeShape& shape,
                                     const ExpertWeights& weights, MatrixView<const float> x,
                                     MatrixView<const float> logits) {
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
    out.y = run_once(*prepared.strategy, {x, logits}, device);
    out.routing = prepared.strategy->read_back().routing;
    return out;
  };
}

const StrategyInfo& find_model_strategy(const std::string& name) {
  std::vector<std::string> known;
  for (const StrategyInfo* s : all_strategies()) {
    const bool on_cpu = s->backend == Backend::kCpu;
    if ((on_cpu && s->name == name) || full_name(*s) == name) return *s;
    known.push_back(on_cpu ? std::string(s->name) : full_name(*s));
  }
  throw UserError("unknown strategy \"" + name + "\"" + did_you_mean(name, known) +
                  "; known: " + (known.empty() ? "none was built" : comma_separated(known)));
}

}  // namespace moe::harness
