// Every strategy as a whole layer, judged before it is timed: a wrong one is an error, not a
// number.
//   bench_layer --benchmark_filter='time-moe-50m/T=64/.*'
#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "bench/parts/problem.h"
#include "harness/judge.h"

namespace moe::bench {
namespace {

void run_layer(benchmark::State& state, const StrategyInfo& info, const std::string& shape_name,
               std::int64_t tokens, const std::string& law) {
  MoeShape shape = harness::parse_shape(shape_name);
  shape.tokens = tokens;
  const auto work = harness::make_workload(law, shape, harness::make_weights(shape, 1), 1);
  harness::Judge judge(work);
  const auto judgement = judge.examine(info, {});
  if (!judgement.validation.passed()) {
    state.SkipWithError(judgement.validation.fault.c_str());
    return;
  }
  const auto problem = work.problem();
  const auto strategy = info.make();
  strategy->prepare(problem.layer);
  std::vector<float> y(tokens * shape.hidden);
  harness::NoClock clock;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    strategy->run(problem.batch, packed(y.data(), tokens, shape.hidden), clock);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(taken.count());
  }
  const auto load = harness::load_stats(shape, judgement.output.dispatch.routing, judge.dropless());
  const std::int64_t experts_hit = shape.experts - load.dead_experts;
  report(state, tokens,
         experts_hit * 3 * shape.hidden * shape.ffn * 4 + 2 * tokens * shape.hidden * 4);
  state.counters["max/mean"] = load.max_over_mean;
  state.counters["dropped"] = load.dropped_slots;
}

void register_layers() {
  for (const StrategyInfo* info : all_strategies()) {
    for (const char* shape : {"time-moe-50m", "mixtral-8x7b-scaled"}) {
      for (const std::int64_t tokens : {1, 64, 512}) {
        for (const char* law : {"uniform", "zipf:1.0"}) {
          const auto name = fmt::format("{}/T={}/{}/{}", shape, tokens, law, full_name(*info));
          benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
            run_layer(state, *info, shape, tokens, law);
          })->UseManualTime();
        }
      }
    }
  }
}

}  // namespace
}  // namespace moe::bench

int main(int argc, char** argv) {
  moe::bench::register_layers();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
