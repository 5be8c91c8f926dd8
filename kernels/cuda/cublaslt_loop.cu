// loop-per-expert with the products of NVIDIA's library, one call a product and expert: what a
// plain framework does (index_select, two matmuls around an activation, index_add). The library has
// no SwiGLU, so gate and up are written in f32 and read again.
#include "kernels/cuda/detail/cublaslt.h"
#include "kernels/cuda/detail/host_buffer.h"
#include "kernels/cuda/detail/layer.h"
#include "kernels/cuda/detail/library_experts.h"
#include "kernels/cuda/rows/rows.h"

namespace moe::cuda {
namespace {

class CublasltLoop final : public LayerStrategy {
 public:
  void prepare(const Layer& layer) override {
    prepare_layer(layer);
    prepare_routes();
    prepare_slots(shape_.tokens * shape_.top_k);
    reserve(weight_of_slot_, shape_.tokens * shape_.top_k);
    prepare_permuted(shape_.tokens);
    library_ = LibraryExperts(shape_, weights_, shape_.tokens, 1);
    add_workspace(library_.workspace_bytes());
    host_count_ = HostBuffer<std::int32_t>(shape_.experts);
    grouping_ = Grouping(shape_.tokens * shape_.top_k, experts(), GroupingMethod::kCountingSort);
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    begin_run(batch);
    if (tokens_ == 0) return;
    clock.enter("route");
    route(batch);
    clock.enter("group");
    grouping_.run(expert_.data(), assignments(), top_k(), slots(), stream());
    spread_weights();
    check(cudaMemcpyAsync(host_count_.data(), count_.data(), host_count_.bytes(),
                          cudaMemcpyDeviceToHost, stream()));
    check(cudaStreamSynchronize(stream()));
    clock.enter("combine");
    clear(y);
    const ProductRows x = input(batch);
    std::int64_t begin = 0;
    for (int e = 0; e < experts(); ++e) {
      const std::int32_t rows = host_count_.values()[e];
      if (rows > 0) run_expert(e, begin, rows, x, y, clock);
      begin += rows;
    }
  }

  Dispatch read_back() override { return {token_choice(), assignments()}; }

  std::string library_algorithms() const override { return library_.algorithms(); }

 private:
  // A token stands at most once in an expert's rows, and the experts come one after another, so the
  // order of the additions is always the same.
  void run_expert(int e, std::int64_t begin, std::int64_t rows, const ProductRows& x,
                  MatrixView<float> y, PhaseClock& clock) {
    clock.enter("permute");
    const ProductRows mine = permute(x, token_.data() + begin, rows, true);
    clock.enter("experts");
    library_.run(mine, e, rows, stream());
    clock.enter("combine");
    scatter_add_rows({.rows = library_.output(),
                      .row_type = output_type(),
                      .rows_stride = output_stride_,
                      .token = token_.data() + begin,
                      .weight = weight_of_slot_.data() + begin,
                      .slots = rows,
                      .y = y.data,
                      .y_stride = y.stride,
                      .hidden = shape_.hidden},
                     stream());
  }

  Grouping grouping_;
  LibraryExperts library_;
  HostBuffer<std::int32_t> host_count_;
};

std::optional<std::string> unsupported(const MoeShape& shape) {
  if (const auto why = unsupported_layer(shape)) return why;
  return cublaslt_unsupported(shape.dtype);
}

}  // namespace

extern const StrategyInfo cublaslt_loop;
const StrategyInfo cublaslt_loop{
    .name = "cublaslt-loop",
    .backend = Backend::kCuda,
    .summary = "As loop-per-expert, multiplied by cuBLASLt, a call for each product and expert.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = unsupported,
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<CublasltLoop>(); },
    .execution = {.host_syncs = 1, .graph = false, .repeatable = true},
};

}  // namespace moe::cuda
