// The experts' products on the GPU, by each kernel: gate and up with SwiGLU behind them, then down.
#include <fmt/format.h>

#include "bench/parts/support/cuda_part.h"
#include "kernels/cuda/product/product.h"

namespace moe::bench {
namespace {

using cuda::ProductKernel;

constexpr ProductKernel kKernels[] = {
    ProductKernel::kFma,     ProductKernel::kMma16, ProductKernel::kMma64, ProductKernel::kMma128,
    ProductKernel::kSwapped, ProductKernel::kWgmma, ProductKernel::kMixed};

constexpr int bytes_of(DType dtype) { return dtype == DType::kF32 ? 4 : 2; }

// Without a gather: rows of A stand in slot order. The second product has no epilogue.
void product(benchmark::State& state, const MoeShape& shape, ProductKernel kernel, bool first) {
  const DType dtype = kernel == ProductKernel::kFma ? DType::kF32 : DType::kBf16;
  if (const auto why = cuda::product_unsupported(kernel, dtype)) {
    state.SkipWithError(why->c_str());
    return;
  }
  const RoutedLayer layer(shape);
  const std::int64_t rows = layer.assignments();
  const std::int64_t depth = first ? shape.hidden : shape.ffn;
  const std::int64_t columns = first ? 2 * shape.ffn : shape.hidden;
  const std::int64_t stored = first ? shape.ffn : shape.hidden;
  cuda::Buffer<std::uint8_t> a(rows * depth * bytes_of(dtype));
  cuda::Buffer<std::uint8_t> b(shape.experts * columns * depth * bytes_of(dtype));
  cuda::Buffer<std::uint8_t> c(rows * stored * bytes_of(dtype));
  fill(a.data(), a.bytes());
  fill(b.data(), b.bytes());
  cuda::GroupedProduct p;
  p.dtype = p.c_type = dtype;
  p.a = a.data();
  p.a_rows = p.most_rows = rows;
  p.a_stride = p.b_stride = p.depth = depth;
  p.b = b.data();
  p.experts = layer.experts();
  p.columns = columns;
  p.begin = layer.slots().begin;
  p.count = layer.slots().count;
  p.epilogue = first ? cuda::Epilogue::kSwiglu : cuda::Epilogue::kStore;
  p.c = c.data();
  p.c_stride = stored;
  time_on_device(state, [&](cudaStream_t stream) { cuda::grouped_product(p, kernel, stream); });
  const double weights =
      static_cast<double>(b.bytes()) / static_cast<double>(shape.experts) * layer.experts_hit();
  report_on_device(state, shape.tokens, weights + static_cast<double>(a.bytes() + c.bytes()),
                   2.0 * static_cast<double>(rows) * static_cast<double>(columns * depth));
}

void register_all() {
  for (const ProductKernel kernel : kKernels) {
    for (const bool first : {true, false}) {
      register_part(fmt::format("{}/{}", first ? "GateUp" : "Down", cuda::to_string(kernel)),
                    [=](benchmark::State& state, const MoeShape& shape) {
                      product(state, shape, kernel, first);
                    });
    }
  }
}

}  // namespace
}  // namespace moe::bench

int main(int argc, char** argv) {
  moe::bench::register_all();
  return moe::bench::run_parts(argc, argv);
}
