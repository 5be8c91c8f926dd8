// How many instructions of how many threads the interpreter gets through in a second: what a
// developer of the interpreter watches. It says nothing about the speed of a kernel on a GPU.
#include <benchmark/benchmark.h>

#include <numeric>

#include "harness/simt/cuda_tests/speed_bench/programs.h"
#include "harness/simt/runtime/control.h"

namespace moe::simt::cuda_tests {
namespace {

double thread_instructions_of(void (*program)()) {
  settings().count = true;
  take_counters();
  program();
  double sum = 0;
  for (const NamedCounters& launch : take_counters()) {
    const auto& classes = launch.counters.thread_instructions;
    sum += static_cast<double>(std::accumulate(classes.begin(), classes.end(), std::uint64_t{0}));
  }
  return sum;
}

void measure(benchmark::State& state, void (*program)(), bool checks) {
  const Settings before = settings();
  const double each = thread_instructions_of(program);
  settings().check_races = checks;
  settings().count = checks;
  for (auto _ : state) program();
  settings() = before;
  take_counters();
  if (!take_findings().empty()) state.SkipWithError("findings");
  state.counters["thread_instructions/s"] =
      benchmark::Counter(each, benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK_CAPTURE(measure, grouped_gemm_512_checked, grouped_gemm_512, true)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime();
BENCHMARK_CAPTURE(measure, grouped_gemm_512_unchecked, grouped_gemm_512, false)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime();
BENCHMARK_CAPTURE(measure, cub_sort_pairs_200k_checked, sort_pairs_200k, true)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime();
BENCHMARK_CAPTURE(measure, cub_sort_pairs_200k_unchecked, sort_pairs_200k, false)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime();

}  // namespace
}  // namespace moe::simt::cuda_tests

BENCHMARK_MAIN();
