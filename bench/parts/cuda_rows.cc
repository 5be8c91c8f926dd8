// Rows to their experts and back, on the GPU: the copy into expert order and the weighted sum.
#include "bench/parts/support/cuda_part.h"
#include "kernels/cuda/rows/rows.h"

namespace moe::bench {
namespace {

void permute(benchmark::State& state, const MoeShape& shape) {
  const RoutedLayer layer(shape);
  cuda::Buffer<std::uint16_t> from(shape.tokens * shape.hidden);
  cuda::Buffer<std::uint16_t> to(layer.assignments() * shape.hidden);
  fill(from.data(), from.bytes());
  cuda::GatherRows problem;
  problem.from = from.data();
  problem.to = to.data();
  problem.from_stride = problem.to_stride = problem.columns = shape.hidden;
  problem.element_bytes = 2;
  problem.slots = layer.assignments();
  problem.token = layer.slots().token;
  time_on_device(state, [&](cudaStream_t stream) { cuda::gather_rows(problem, stream); });
  report_on_device(state, shape.tokens, static_cast<double>(from.bytes() + to.bytes()));
}

void combine(benchmark::State& state, const MoeShape& shape, DType type, int element_bytes) {
  const RoutedLayer layer(shape);
  cuda::Buffer<std::uint8_t> rows(layer.assignments() * shape.hidden * element_bytes);
  cuda::Buffer<float> y(shape.tokens * shape.hidden);
  fill(rows.data(), rows.bytes());
  cuda::CombineRows problem;
  problem.rows = rows.data();
  problem.row_type = type;
  problem.rows_stride = problem.y_stride = problem.hidden = shape.hidden;
  problem.slot_of_assignment = layer.slots().of_assignment;
  problem.weight = layer.weight();
  problem.tokens = shape.tokens;
  problem.top_k = layer.choices();
  problem.y = y.data();
  time_on_device(state, [&](cudaStream_t stream) { cuda::combine_rows(problem, stream); });
  report_on_device(state, shape.tokens, static_cast<double>(rows.bytes() + y.bytes()));
}

void register_all() {
  register_part("Permute/bf16", permute);
  register_part("Combine/bf16", [](benchmark::State& state, const MoeShape& shape) {
    combine(state, shape, DType::kBf16, 2);
  });
  register_part("Combine/f32", [](benchmark::State& state, const MoeShape& shape) {
    combine(state, shape, DType::kF32, 4);
  });
}

}  // namespace
}  // namespace moe::bench

int main(int argc, char** argv) {
  moe::bench::register_all();
  return moe::bench::run_parts(argc, argv);
}
