// Softmax and top-k of token choice, over the number of tokens and of experts.
#include "bench/parts/problem.h"
#include "kernels/cpu/detail/top_k.h"

namespace moe::bench {
namespace {

void TopKSelect(benchmark::State& state) {
  MoeShape shape = part_shape(state.range(0));
  shape.experts = state.range(1);
  shape.top_k = state.range(2);
  shape.hidden = shape.ffn = 1;  // weights are not looked at
  const auto work = harness::make_workload("uniform", shape, harness::make_weights(shape, 1), 1);
  cpu::TopK top;
  top.reserve(shape);
  for (auto _ : state) {
    top.select(shape, work.problem().batch.logits);
    benchmark::DoNotOptimize(top.weight.data());
    benchmark::ClobberMemory();
  }
  const std::int64_t read = shape.tokens * shape.experts * 4;
  const std::int64_t written = shape.tokens * shape.top_k * 8;
  report(state, shape.tokens, read + written);
}
BENCHMARK(TopKSelect)
    ->ArgNames({"tokens", "experts", "top_k"})
    ->ArgsProduct({{1, 64, 1024}, {8}, {2}})
    ->ArgsProduct({{1, 64, 1024}, {128}, {8}})
    ->UseRealTime();

}  // namespace
}  // namespace moe::bench
