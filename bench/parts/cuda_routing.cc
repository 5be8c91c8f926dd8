// Who goes where, on the GPU: top-k, grouping by each method, fixed heights, expert choice.
#include "bench/parts/support/cuda_part.h"
#include "kernels/contract/routing.h"

namespace moe::bench {
namespace {

// Assignments in, slots and tokens out: 4 bytes each.
constexpr double kGroupingBytes = 12;

void top_k(benchmark::State& state, const MoeShape& shape) {
  const RoutedLayer layer(shape);
  const cuda::TopK problem = layer.top_k();
  time_on_device(state, [&](cudaStream_t stream) { cuda::select_top_k(problem, stream); });
  report_on_device(state, shape.tokens,
                   4.0 * static_cast<double>(shape.tokens * (shape.experts + 2 * shape.top_k)));
}

void grouping(benchmark::State& state, const MoeShape& shape, cuda::GroupingMethod method) {
  const RoutedLayer layer(shape);
  cuda::Grouping grouping(layer.assignments(), layer.experts(), method);
  time_on_device(state, [&](cudaStream_t stream) {
    grouping.run(layer.expert(), layer.assignments(), layer.choices(), layer.slots(), stream);
  });
  report_on_device(state, shape.tokens, kGroupingBytes * static_cast<double>(layer.assignments()));
  state.counters["launches"] = grouping.launches();
}

void fixed_height(benchmark::State& state, const MoeShape& shape) {
  const RoutedLayer layer(shape);
  const std::int64_t height = capacity(shape, 1.25, Rounding::kCeil);
  cuda::Buffer<std::int32_t> token(shape.experts * height);
  cuda::Slots slots = layer.slots();
  slots.token = token.data();
  time_on_device(state, [&](cudaStream_t stream) {
    cuda::place_with_height(layer.expert(), shape.tokens, layer.choices(), layer.experts(), height,
                            slots, stream);
  });
  report_on_device(state, shape.tokens,
                   4.0 * static_cast<double>(2 * layer.assignments() + token.count()));
}

void expert_choice(benchmark::State& state, const MoeShape& shape) {
  const RoutedLayer layer(shape);
  const std::int64_t takes = capacity(shape, 1.0, Rounding::kNearest);
  cuda::Buffer<float> probability(shape.experts * shape.tokens), weight(shape.experts * takes);
  cuda::Buffer<std::int32_t> token(shape.experts * takes);
  cuda::ExpertChoiceSelect problem;
  problem.logits = layer.logits();
  problem.logits_stride = shape.experts;
  problem.tokens = shape.tokens;
  problem.experts = layer.experts();
  problem.takes = takes;
  problem.probability = probability.data();
  problem.token = token.data();
  problem.weight = weight.data();
  time_on_device(state, [&](cudaStream_t stream) { cuda::select_for_experts(problem, stream); });
  report_on_device(state, shape.tokens,
                   4.0 * static_cast<double>(shape.experts * (shape.tokens + 2 * takes)));
}

void register_all() {
  using cuda::GroupingMethod;
  register_part("TopK", top_k);
  const std::pair<const char*, GroupingMethod> methods[] = {
      {"Grouping/counting-sort", GroupingMethod::kCountingSort},
      {"Grouping/atomic", GroupingMethod::kAtomic},
      {"Grouping/radix-sort", GroupingMethod::kRadixSort}};
  for (const auto& [name, method] : methods) {
    register_part(name, [method](benchmark::State& state, const MoeShape& shape) {
      grouping(state, shape, method);
    });
  }
  register_part("PlaceWithHeight", fixed_height);
  register_part("ExpertChoice", expert_choice);
}

}  // namespace
}  // namespace moe::bench

int main(int argc, char** argv) {
  moe::bench::register_all();
  return moe::bench::run_parts(argc, argv);
}
