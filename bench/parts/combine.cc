// The weighted sum of each token's K expert rows.
#include "bench/parts/problem.h"
#include "kernels/cpu/detail/rows.h"

namespace moe::bench {
namespace {

void Combine(benchmark::State& state) {
  const auto work = part_workload(state.range(0), "uniform");
  const MoeShape& s = work.shape;
  const std::int64_t rows = s.tokens * s.top_k;
  cpu::TopK top;
  top.reserve(s);
  top.select(s, work.problem().batch.logits);
  Slots slots;
  slots.of_assignment.resize(rows);
  slots.token.resize(rows);
  slots.begin.resize(s.experts + 1);
  place_by_expert(top.expert, s.top_k, s.experts, slots);
  const std::vector<float> expert_out(rows * s.hidden, 0.5F);
  std::vector<float> y(s.tokens * s.hidden);
  for (auto _ : state) {
    cpu::combine_rows(top, slots.of_assignment, packed(expert_out.data(), rows, s.hidden),
                      packed(y.data(), s.tokens, s.hidden));
    benchmark::ClobberMemory();
  }
  report(state, s.tokens, (rows + s.tokens) * s.hidden * 4);
}
BENCHMARK(Combine)->ArgName("tokens")->Arg(1)->Arg(64)->Arg(1024)->Arg(8192)->UseRealTime();

}  // namespace
}  // namespace moe::bench
