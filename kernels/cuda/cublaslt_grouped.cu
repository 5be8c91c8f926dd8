// sort-and-group with the grouped product of NVIDIA's library: one call a product does all experts,
// and their numbers of rows stay on the device. The library has no SwiGLU, so gate and up are
// written in f32 and read again. Toolkit 13.0 has no such product: there, and until somebody has
// run it on a GPU, this is code that compiles.
#include "kernels/cuda/detail/cublaslt.h"
#include "kernels/cuda/detail/cublaslt_grouped.h"
#include "kernels/cuda/detail/layer.h"
#include "kernels/cuda/rows/rows.h"

namespace moe::cuda {
namespace {

std::optional<std::string> unsupported(const MoeShape& shape) {
  if (const auto why = cublaslt_grouped_unsupported(shape)) return why;
  return unsupported_layer(shape);
}

#if MOE_CUBLASLT_HAS_GROUPED

class CublasltGrouped final : public LayerStrategy {
 public:
  void prepare(const Layer& layer) override {
    prepare_layer(layer);
    const std::int64_t slots = shape_.tokens * shape_.top_k;
    prepare_routes();
    prepare_slots(slots);
    prepare_permuted(slots);
    grouping_ = Grouping(slots, experts(), GroupingMethod::kCountingSort);
    pair_stride_ = padded_stride(2 * shape_.ffn, DType::kF32);
    hidden_stride_ = padded_stride(shape_.ffn, shape_.dtype);
    reserve(pairs_, slots * pair_stride_);
    reserve(hidden_, slots * hidden_stride_ * element_bytes(shape_.dtype));
    reserve(output_, slots * output_stride_ * element_bytes(shape_.dtype));
    LtGroups groups{.dtype = shape_.dtype,
                    .c_type = DType::kF32,
                    .experts = experts(),
                    .columns = 2 * shape_.ffn,
                    .depth = shape_.hidden,
                    .a_stride = padded_stride(shape_.hidden, shape_.dtype),
                    .b_stride = weights_.gate_up_stride,
                    .c_stride = pair_stride_,
                    .b = weights_.gate_up.data(),
                    .begin = begin_.data(),
                    .count = count_.data(),
                    .average_rows = average_rows(shape_, shape_.tokens)};
    first_ = LtGroupedProduct(groups);
    groups.c_type = shape_.dtype;
    groups.columns = shape_.hidden;
    groups.depth = shape_.ffn;
    groups.a_stride = hidden_stride_;
    groups.b_stride = weights_.down_stride;
    groups.c_stride = output_stride_;
    groups.b = weights_.down.data();
    second_ = LtGroupedProduct(groups);
    add_workspace(first_.workspace_bytes() + second_.workspace_bytes());
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    begin_run(batch);
    if (tokens_ == 0) return;
    clock.enter("route");
    route(batch);
    clock.enter("group");
    grouping_.run(expert_.data(), assignments(), top_k(), slots(), stream());
    clock.enter("permute");
    const ProductRows x = permute(input(batch), token_.data(), assignments(), true);
    clock.enter("experts");
    first_.run(x.data, pairs_.data(), stream());
    swiglu_rows(pairs_.data(), pair_stride_, hidden_.data(), shape_.dtype, hidden_stride_,
                assignments(), shape_.ffn, stream());
    second_.run(hidden_.data(), output_.data(), stream());
    clock.enter("combine");
    combine(y);
  }

  Dispatch read_back() override { return {token_choice(), assignments()}; }

  std::string library_algorithms() const override {
    return cublaslt_version() + ": gate and up " + std::to_string(first_.algorithm()) + "; down " +
           std::to_string(second_.algorithm());
  }

 private:
  Grouping grouping_;
  std::int64_t pair_stride_ = 0, hidden_stride_ = 0;
  Buffer<float> pairs_;  // gate and up, interleaved
  Buffer<std::uint8_t> hidden_;
  LtGroupedProduct first_, second_;
};

std::unique_ptr<Strategy> make() { return std::make_unique<CublasltGrouped>(); }

#else

std::unique_ptr<Strategy> make() {
  throw std::logic_error("cublaslt-grouped was made, and it declines every layer");
}

#endif

}  // namespace

extern const StrategyInfo cublaslt_grouped;
const StrategyInfo cublaslt_grouped{
    .name = "cublaslt-grouped",
    .backend = Backend::kCuda,
    .summary = "As sort-and-group, multiplied by cuBLASLt's grouped product of all experts.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = unsupported,
    .make = make,
    .execution = {.host_syncs = 0, .graph = true, .repeatable = true},
};

}  // namespace moe::cuda
