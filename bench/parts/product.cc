// The matrix product under every strategy, and the grouped expert work on it.
#include "bench/parts/problem.h"
#include "kernels/cpu/detail/expert_ffn.h"
#include "kernels/cpu/detail/gemm.h"
#include "kernels/cpu/detail/parallel.h"

namespace moe::bench {
namespace {

// One thread's product of `rows` tokens with one expert's gate matrix.
void Gemm(benchmark::State& state) {
  const MoeShape s = part_shape(state.range(0));
  const auto weights = harness::make_weights(s, 1);
  std::vector<float> x(s.tokens * s.hidden, 0.5F);
  std::vector<float> out(s.tokens * s.ffn);
  for (auto _ : state) {
    cpu::parallel_for(1, [&](std::int64_t) {
      cpu::gemm(packed<const float>(x.data(), s.tokens, s.hidden),
                packed<const float>(weights->gate.data(), s.ffn, s.hidden),
                packed(out.data(), s.tokens, s.ffn));
    });
    benchmark::ClobberMemory();
  }
  report(state, s.tokens, (s.tokens * (s.hidden + s.ffn) + s.ffn * s.hidden) * 4);
  state.counters["flop/s"] = benchmark::Counter(2.0 * s.tokens * s.ffn * s.hidden,
                                                benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(Gemm)->ArgName("rows")->RangeMultiplier(4)->Range(1, 1024)->UseRealTime();

// The experts' whole work, `rows` tokens for each of 8 experts or all of them for one.
void GroupedFfn(benchmark::State& state) {
  const MoeShape s = part_shape(state.range(0));
  const bool even = state.range(1) != 0;
  const auto weights = harness::make_weights(s, 1);
  std::vector<cpu::RowGroup> groups;
  for (std::int32_t e = 0; e < s.experts; ++e) {
    const std::int64_t begin = e * s.tokens / s.experts;
    if (even) groups.push_back({e, begin, (e + 1) * s.tokens / s.experts - begin});
  }
  if (!even) groups.push_back({0, 0, s.tokens});
  std::vector<float> x(s.tokens * s.hidden, 0.5F);
  std::vector<float> out(x.size());
  cpu::ExpertFfn ffn;
  ffn.prepare(s, *weights, s.tokens);
  for (auto _ : state) {
    ffn.run(groups, {packed<const float>(x.data(), s.tokens, s.hidden)},
            packed(out.data(), s.tokens, s.hidden));
    benchmark::ClobberMemory();
  }
  state.SetLabel(even ? "even" : "one expert");
  report(state, s.tokens,
         std::ssize(groups) * 3 * s.hidden * s.ffn * 4 + 2 * s.tokens * s.hidden * 4);
  state.counters["flop/s"] = benchmark::Counter(6.0 * s.tokens * s.ffn * s.hidden,
                                                benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(GroupedFfn)
    ->ArgNames({"rows", "even"})
    ->ArgsProduct({{8, 64, 512, 2048}, {0, 1}})
    ->UseRealTime();

}  // namespace
}  // namespace moe::bench
