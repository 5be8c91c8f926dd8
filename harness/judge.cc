#include "harness/judge.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cstring>

#include "harness/compare_routing.h"
#include "harness/guarded_matrix.h"
#include "harness/turned_batch.h"
#include "reference/moe_layer.h"

namespace moe::harness {
namespace {

// The integer problem is about indices, not about size: these cover every block and its edges.
constexpr std::int64_t kExactTokens = 96;
constexpr std::int64_t kExactWidth = 1024;
constexpr std::int64_t kSampledTokens = 8;

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return false;
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

Output run_once(Strategy& strategy, const Batch& batch, GuardedMatrix& y) {
  NoClock clock;
  y.poison();
  auto view = y.view();
  view.rows = batch.x.rows;
  strategy.run(batch, view, clock);
  auto values = y.copy();
  values.resize(static_cast<std::size_t>(batch.x.rows * batch.x.cols));
  return {std::move(values), strategy.read_back()};
}

Batch first(Batch batch, std::int64_t tokens) {
  batch.x.rows = batch.logits.rows = batch.x16.rows = tokens;
  return batch;
}

Routing rows_of(const Routing& r, std::span<const std::int64_t> tokens) {
  Routing some{{0}, {}, {}};
  for (const auto t : tokens) {
    some.expert.insert(some.expert.end(), r.expert.begin() + r.offsets[t],
                       r.expert.begin() + r.offsets[t + 1]);
    some.weight.insert(some.weight.end(), r.weight.begin() + r.offsets[t],
                       r.weight.begin() + r.offsets[t + 1]);
    some.offsets.push_back(static_cast<std::int32_t>(some.expert.size()));
  }
  return some;
}

// Routing of all tokens, output of a few: enough to see that a second batch was really worked on.
std::string sampled_fault(const Layer& layer, const RoutingPolicy& policy, const Batch& batch,
                          const Output& output) {
  MoeShape shape = layer.shape;
  shape.tokens = batch.x.rows;
  const auto routing = compare_routing(policy, shape, batch.logits, output.dispatch.routing);
  if (!routing.fault.empty()) return routing.fault;
  std::vector<std::int64_t> sample;
  for (std::int64_t i = 0; i < std::min(kSampledTokens, shape.tokens); ++i) {
    sample.push_back(i * shape.tokens / std::min(kSampledTokens, shape.tokens));
  }
  std::vector<float> x;
  std::vector<float> y;
  for (const auto t : sample) {
    x.insert(x.end(), batch.x.row(t).begin(), batch.x.row(t).end());
    const auto first = output.y.begin() + t * shape.hidden;
    y.insert(y.end(), first, first + shape.hidden);
  }
  shape.tokens = std::ssize(sample);
  const std::vector<float> logits(static_cast<std::size_t>(shape.tokens * shape.experts), 0.0F);
  Truth truth({{shape, layer.weights, layer.knobs},
               {packed(x.data(), shape.tokens, shape.hidden),
                packed(logits.data(), shape.tokens, shape.experts)}});
  Validation v;
  const Routing sampled = rows_of(output.dispatch.routing, sample);
  compare_rows(shape, sampled, y, truth.under(sampled), v);
  if (v.worst_error <= v.bound) return "";
  return fmt::format("token {} is off by {:.3g} of its size; rounding explains {:.3g}",
                     sample[v.worst_token], v.worst_error, v.bound);
}

}  // namespace

Judge::Judge(const Workload& work) : work_(work), truth_(work_.problem()) {}

Judgement Judge::examine(const StrategyInfo& info, const Knobs& knobs) {
  const Problem problem = work_.problem(knobs);
  const MoeShape& shape = problem.layer.shape;
  const RoutingPolicy policy = info.policy(knobs);
  Device* const device = device_of(info.backend);
  const TurnedBatch batches(problem.batch, shape.dtype, device);
  GuardedMatrix y(shape.tokens, shape.hidden, device);
  const auto strategy = info.make();
  strategy->prepare(problem.layer);

  Judgement judgement{.output = run_once(*strategy, batches.turned(0), y)};
  judgement.validation = validate(truth_, policy, judgement.output);
  Validation& v = judgement.validation;
  const auto note = [&](const std::string& fault) {
    if (v.fault.empty()) v.fault = fault;
  };

  for (std::int64_t fewer = 0; fewer < std::min<std::int64_t>(2, shape.tokens - 1); ++fewer) {
    const std::int64_t tokens = shape.tokens - fewer;
    const auto output = run_once(*strategy, first(batches.turned(1), tokens), y);
    const auto fault =
        sampled_fault(problem.layer, policy, first(batches.on_host(1), tokens), output);
    if (!fault.empty()) note("on another batch, " + fault);
  }
  const Output again = run_once(*strategy, batches.turned(0), y);
  const Output alone = [&] {
    const OneThread one;
    return run_once(*strategy, batches.turned(0), y);
  }();
  v.bitwise_repeatable = same_bits(again.y, judgement.output.y) && same_bits(alone.y, again.y);
  if (!v.bitwise_repeatable) {
    const auto fault = compare_with(judgement, policy, again);
    if (!fault.empty()) note("on a second run, " + fault);
    if (device != nullptr && info.execution.repeatable) {
      note("a second run gave other bits, and the strategy says that it repeats them");
    }
  }
  judgement.library_algorithms = strategy->library_algorithms();
  v.guards_intact = y.guards_intact();
  v.inputs_intact = batches.intact();
  if (!v.guards_intact) note("wrote outside y");
  if (!v.inputs_intact) note("wrote to its inputs");
  if (const auto fault = exact_fault(info, knobs); fault.empty()) {
    v.exact_mode = true;
  } else {
    note("on the integer problem, " + fault);
  }
  return judgement;
}

std::string Judge::compare_with(const Judgement& judged, const RoutingPolicy& policy,
                                const Output& later) {
  if (same_bits(judged.output.y, later.y) &&
      judged.output.dispatch.routing == later.dispatch.routing) {
    return "";
  }
  return validate(truth_, policy, later).fault;
}

std::string Judge::exact_fault(const StrategyInfo& info, const Knobs& knobs) {
  if (!exact_) {
    MoeShape shape = work_.shape;
    shape.tokens = std::min(shape.tokens, kExactTokens);
    shape.hidden = std::min(shape.hidden, kExactWidth + shape.hidden % 128);
    shape.ffn = std::min(shape.ffn, kExactWidth + shape.ffn % 128);
    exact_.emplace(ExactProblem{make_exact_workload(shape, 1), std::nullopt});
    exact_->truth.emplace(exact_->work.problem());
  }
  const Problem problem = exact_->work.problem(knobs);
  const MoeShape& shape = problem.layer.shape;
  Device* const device = device_of(info.backend);
  const TurnedBatch batches(problem.batch, shape.dtype, device);
  GuardedMatrix y(shape.tokens, shape.hidden, device);
  const auto strategy = info.make();
  strategy->prepare(problem.layer);
  const Output output = run_once(*strategy, batches.turned(0), y);
  const auto routing =
      compare_routing(info.policy(knobs), shape, problem.batch.logits, output.dispatch.routing);
  if (!routing.fault.empty()) return routing.fault;
  const auto& right = exact_->truth->under(output.dispatch.routing).y;
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (output.y[i] == right[i]) continue;
    return fmt::format("y[{}, {}] is {}, not {}", i / shape.hidden, i % shape.hidden, output.y[i],
                       right[i]);
  }
  return "";
}

}  // namespace moe::harness
