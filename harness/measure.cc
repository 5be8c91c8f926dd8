#include "harness/measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <random>

#include "harness/guarded_matrix.h"
#include "harness/statistics.h"
#include "harness/stopwatch.h"
#include "harness/turned_batch.h"

namespace moe::harness {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kShortestSampleNs = 200'000;  // below it the clock and its neighbours show
constexpr double kWarmUpNs = 20'000'000;
constexpr std::int64_t kFewestSamples = 6;  // fewer give no interval for the median
constexpr int kStageRuns = 7;

double since(Clock::time_point start) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

// One contestant at work.
class Runner {
 public:
  Runner(const Contestant& contestant, const Workload& work)
      : contestant_(contestant),
        device_(device_of(contestant.strategy->backend)),
        stopwatch_(make_stopwatch(device_, contestant.strategy->execution)),
        batches_(work.problem().batch, work.shape.dtype, device_),
        y_(work.shape.tokens, work.shape.hidden, device_),
        strategy_(contestant.strategy->make()) {
    const auto start = Clock::now();
    strategy_->prepare(work.problem(contestant.knobs).layer);
    finish_device();
    measurement_.timing.prepare_ns = since(start);
    measurement_.cache = stopwatch_->cache();
  }

  // Until caches and clocks have settled; what it costs says how many runs make a sample.
  void warm_up(std::int64_t least) {
    double total = 0;
    double last = 0;
    for (std::int64_t runs = 0; runs < least || (total < kWarmUpNs && runs < 1000); ++runs) {
      const auto start = Clock::now();
      strategy_->run(batches_.turned(0), y_.view(), no_clock_);
      finish_device();
      total += last = since(start);
    }
    if (stopwatch_->one_run_a_sample()) return;
    measurement_.timing.runs_per_sample = static_cast<std::int64_t>(
        std::ceil(std::max(1.0, kShortestSampleNs / std::max(last, 1.0))));
  }

  bool wants_more(const MeasureOptions& options) const {
    const auto taken = std::ssize(measurement_.timing.samples_ns);
    if (taken < kFewestSamples) return true;
    return taken < options.samples && spent_ns_ < options.max_seconds * 1e9;
  }

  void take_sample(std::int64_t turn) {
    Timing& timing = measurement_.timing;
    const Batch batch = batches_.turned(turn);
    y_.poison();
    const double taken = stopwatch_->time(timing.runs_per_sample,
                                          [&] { strategy_->run(batch, y_.view(), no_clock_); });
    spent_ns_ += taken;
    timing.samples_ns.push_back(taken / static_cast<double>(timing.runs_per_sample));
  }

  bool on_device() const { return device_ != nullptr; }

  // Of a GPU in the middle of a run, so that what is read is not of an idle one.
  GpuReading read_at_work(const std::function<GpuReading()>& read_gpu) {
    strategy_->run(batches_.turned(0), y_.view(), no_clock_);
    GpuReading reading = read_gpu();
    finish_device();
    return reading;
  }

  Measurement finish(Judge& judge) {
    if (device_ != nullptr) {
      strategy_->run(batches_.turned(0), y_.view(), no_clock_);
      measurement_.timing.clock_mhz = device_->clock_mhz();
    }
    y_.poison();
    strategy_->run(batches_.turned(0), y_.view(), no_clock_);
    const RoutingPolicy policy = contestant_.strategy->policy(contestant_.knobs);
    measurement_.fault =
        judge.compare_with(*contestant_.judged, policy, {y_.copy(), strategy_->read_back()});
    if (!y_.guards_intact()) measurement_.fault = "wrote outside y";
    measurement_.workspace_bytes = strategy_->workspace_bytes();
    measurement_.library_algorithms = strategy_->library_algorithms();
    summarize();
    split_stages();
    time_graph(judge, policy);
    return std::move(measurement_);
  }

 private:
  void summarize() {
    Timing& t = measurement_.timing;
    t.min_ns = std::ranges::min(t.samples_ns);
    t.p05_ns = quantile(t.samples_ns, 0.05);
    t.median_ns = median(t.samples_ns);
    t.p95_ns = quantile(t.samples_ns, 0.95);
    t.median_ci95_ns = quantile_ci95(t.samples_ns, 0.5);
    if (quantile_ci95(t.samples_ns, 0.99)) t.p99_ns = quantile(t.samples_ns, 0.99);
  }

  void split_stages() {
    std::map<std::string, std::vector<double>> samples;
    for (int i = 0; i < kStageRuns; ++i) {
      const auto stages = stopwatch_->split(
          [&](PhaseClock& clock) { strategy_->run(batches_.turned(0), y_.view(), clock); });
      for (const auto& [stage, ns] : stages) samples[stage].push_back(ns);
    }
    Timing& t = measurement_.timing;
    t.unattributed_ns = t.median_ns;
    for (const auto& [stage, ns] : samples) {
      t.stages_ns[stage] = median(ns);
      t.unattributed_ns -= t.stages_ns[stage];
    }
  }

  // The same run recorded once and launched as a whole; its output is judged as well.
  void time_graph(Judge& judge, const RoutingPolicy& policy) {
    Timing& t = measurement_.timing;
    if (device_ == nullptr) {
      t.graph_reason = "on the CPU there is nothing to record";
      return;
    }
    const auto recording =
        contestant_.strategy->execution.graph
            ? device_->record([&] { strategy_->run(batches_.turned(0), y_.view(), no_clock_); })
            : nullptr;
    if (!recording) {
      t.graph_reason = "a run depends on what the host reads in it, so it cannot be recorded";
      return;
    }
    t.graph_operations = recording->operations();
    y_.poison();
    recording->launch();
    device_->finish();
    const std::string fault =
        judge.compare_with(*contestant_.judged, policy, {y_.copy(), strategy_->read_back()});
    if (!fault.empty() && measurement_.fault.empty()) {
      measurement_.fault = "launched from a recording, " + fault;
    }
    for (std::size_t i = 0; i < t.samples_ns.size(); ++i) {
      t.graph_samples_ns.push_back(stopwatch_->time(1, [&] { recording->launch(); }));
    }
  }

  void finish_device() {
    if (device_ != nullptr) device_->finish();
  }

  Contestant contestant_;
  Device* device_;  // nullptr: the CPU
  std::unique_ptr<Stopwatch> stopwatch_;
  TurnedBatch batches_;
  GuardedMatrix y_;
  std::unique_ptr<Strategy> strategy_;
  NoClock no_clock_;
  double spent_ns_ = 0;
  Measurement measurement_;
};

// Any one will do as long as it keeps the device busy.
std::optional<GpuReading> read_gpu(const std::vector<std::unique_ptr<Runner>>& runners,
                                   const MeasureOptions& options) {
  if (!options.read_gpu || runners.empty()) return std::nullopt;
  const auto busy = std::ranges::find_if(runners, [](const auto& r) { return r->on_device(); });
  return (busy == runners.end() ? runners.front() : *busy)->read_at_work(options.read_gpu);
}

}  // namespace

std::optional<Timeable> Timeable::of(const StrategyInfo& strategy) {
  if (strategy.backend == Backend::kSim) return std::nullopt;
  return Timeable(strategy);
}

std::vector<Measurement> measure(const Workload& work, Judge& judge,
                                 std::span<const Contestant> contestants,
                                 const MeasureOptions& options) {
  std::vector<std::unique_ptr<Runner>> runners;
  for (std::size_t i = 0; i < contestants.size(); ++i) {
    options.on_turn(i);
    runners.push_back(std::make_unique<Runner>(contestants[i], work));
    runners[i]->warm_up(options.warm_up);
  }
  const std::optional<GpuReading> before = read_gpu(runners, options);
  std::mt19937_64 random(options.seed);
  const auto tokens = static_cast<std::uint64_t>(std::max<std::int64_t>(1, work.shape.tokens));
  std::vector<std::size_t> block;
  do {
    block.clear();
    for (std::size_t i = 0; i < runners.size(); ++i) {
      if (runners[i]->wants_more(options)) block.push_back(i);
    }
    std::ranges::shuffle(block, random);
    for (const std::size_t i : block) {
      options.on_turn(i);
      runners[i]->take_sample(static_cast<std::int64_t>(random() % tokens));
    }
  } while (!block.empty());
  const std::optional<GpuReading> after = read_gpu(runners, options);
  std::vector<Measurement> results;
  for (std::size_t i = 0; i < runners.size(); ++i) {
    options.on_turn(i);
    results.push_back(runners[i]->finish(judge));
    if (before && after) results.back().gpu = {*before, *after};
  }
  return results;
}

}  // namespace moe::harness
