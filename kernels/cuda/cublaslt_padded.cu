// padded-capacity with the products of NVIDIA's library: rows of equal number for every expert are
// one strided batch, so two calls do all experts. What a framework does whose tensors must have
// fixed shapes. The library has no SwiGLU, so gate and up are written in f32 and read again.
#include "kernels/cuda/detail/cublaslt.h"
#include "kernels/cuda/detail/grouped_strategy.h"
#include "kernels/cuda/detail/library_experts.h"
#include "kernels/cuda/rows/rows.h"

namespace moe::cuda {
namespace {

class CublasltPadded final : public LayerStrategy {
 public:
  void prepare(const Layer& layer) override {
    prepare_layer(layer);
    const std::int64_t height = height_of(shape_.tokens);
    prepare_routes();
    prepare_slots(shape_.experts * height);
    prepare_permuted(shape_.experts * height);
    library_ = LibraryExperts(shape_, weights_, height, experts());
    add_workspace(library_.workspace_bytes());
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    begin_run(batch);
    if (tokens_ == 0) return;
    const std::int64_t height = height_of(tokens_);
    clock.enter("route");
    route(batch);
    clock.enter("group");
    place_with_height(expert_.data(), tokens_, top_k(), experts(), height, slots(), stream());
    clock.enter("permute");
    const ProductRows x = permute(input(batch), token_.data(), shape_.experts * height, true);
    clock.enter("experts");
    library_.run(x, 0, height, stream());
    clock.enter("combine");
    combine(library_.output(), y);
  }

  Dispatch read_back() override { return {token_choice(), shape_.experts * height_of(tokens_)}; }

  std::string library_algorithms() const override { return library_.algorithms(); }

 private:
  std::int64_t height_of(std::int64_t tokens) const {
    MoeShape now = shape_;
    now.tokens = tokens;
    const TokenChoiceCapped policy = capped_policy(knobs_);
    return capacity(now, policy.factor, policy.rounding);
  }

  LibraryExperts library_;
};

std::optional<std::string> unsupported(const MoeShape& shape) {
  if (const auto why = unsupported_layer(shape)) return why;
  return cublaslt_unsupported(shape.dtype);
}

}  // namespace

extern const StrategyInfo cublaslt_padded;
const StrategyInfo cublaslt_padded{
    .name = "cublaslt-padded",
    .backend = Backend::kCuda,
    .summary = "As padded-capacity, multiplied by cuBLASLt as one strided batch of experts.",
    .policy = [](const Knobs& knobs) -> RoutingPolicy { return capped_policy(knobs); },
    .unsupported = unsupported,
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<CublasltPadded>(); },
    .execution = {.host_syncs = 0, .graph = true, .repeatable = true},
};

}  // namespace moe::cuda
