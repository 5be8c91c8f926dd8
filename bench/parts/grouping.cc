// From a selection to expert-major order: the counting sort, the placing under a capacity, and the
// copying of rows that follows.
#include <numeric>

#include "bench/parts/problem.h"
#include "kernels/cpu/detail/rows.h"
#include "kernels/cpu/detail/top_k.h"

namespace moe::bench {
namespace {

constexpr const char* kLaws[] = {"uniform", "zipf:1.0", "collapse"};

struct Grouped {
  harness::Workload work;
  cpu::TopK top;
  Slots slots;

  Grouped(std::int64_t tokens, const std::string& law) : work(part_workload(tokens, law)) {
    top.reserve(work.shape);
    top.select(work.shape, work.problem().batch.logits);
    slots.of_assignment.resize(top.expert.size());
    slots.token.resize(top.expert.size() * 2);
    slots.begin.resize(work.shape.experts + 1);
  }
};

void CountingSort(benchmark::State& state) {
  Grouped g(state.range(0), kLaws[state.range(1)]);
  for (auto _ : state) {
    place_by_expert(g.top.expert, g.work.shape.top_k, g.work.shape.experts, g.slots);
    benchmark::ClobberMemory();
  }
  state.SetLabel(kLaws[state.range(1)]);
  report(state, g.work.shape.tokens, std::ssize(g.top.expert) * 12);
}
BENCHMARK(CountingSort)->ArgNames({"tokens", "law"})->ArgsProduct({{1, 64, 1024, 8192}, {0, 1, 2}});

void PlaceWithCapacity(benchmark::State& state) {
  Grouped g(state.range(0), kLaws[state.range(1)]);
  const MoeShape& s = g.work.shape;
  const auto height = capacity(s, 1.25F, Rounding::kCeil);
  g.slots.token.resize(s.experts * height);
  for (auto _ : state) {
    place_with_capacity(g.top.expert, s.top_k, s.experts, height, g.slots);
    benchmark::ClobberMemory();
  }
  state.SetLabel(kLaws[state.range(1)]);
  report(state, s.tokens, std::ssize(g.top.expert) * 12);
}
BENCHMARK(PlaceWithCapacity)
    ->ArgNames({"tokens", "law"})
    ->ArgsProduct({{1, 64, 1024, 8192}, {0, 1, 2}});

void Permute(benchmark::State& state) {
  Grouped g(state.range(0), "uniform");
  const MoeShape& s = g.work.shape;
  const std::int64_t rows = s.tokens * s.top_k;
  place_by_expert(g.top.expert, s.top_k, s.experts, g.slots);
  std::vector<float> out(rows * s.hidden);
  for (auto _ : state) {
    cpu::gather_rows(g.work.problem().batch.x,
                     {g.slots.token.data(), static_cast<std::size_t>(rows)},
                     packed(out.data(), rows, s.hidden));
    benchmark::ClobberMemory();
  }
  report(state, s.tokens, 2 * rows * s.hidden * 4);
}
BENCHMARK(Permute)->ArgName("tokens")->Arg(1)->Arg(64)->Arg(1024)->Arg(8192)->UseRealTime();

}  // namespace
}  // namespace moe::bench
