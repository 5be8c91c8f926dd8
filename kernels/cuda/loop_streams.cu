// loop-device-only on several streams, as FastMoE do it: the experts' small products may run beside
// each other, so that one alone need not fill the device.
#include "kernels/cuda/detail/fork.h"
#include "kernels/cuda/detail/layer.h"

namespace moe::cuda {
namespace {

constexpr int kStreams = 4;  // a guess until it is measured

class LoopStreams final : public LayerStrategy {
 public:
  void prepare(const Layer& layer) override {
    prepare_layer(layer);
    const std::int64_t rows = shape_.tokens * shape_.top_k;
    prepare_routes();
    prepare_slots(rows);
    prepare_permuted(rows);
    prepare_products(rows, true);
    fork_ = Fork(kStreams);
    grouping_ = Grouping(rows, experts(), GroupingMethod::kCountingSort);
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    begin_run(batch);
    if (tokens_ == 0) return;
    const ProductKernel kernel = kernel_of(tokens_);
    clock.enter("route");
    route(batch);
    clock.enter("group");
    grouping_.run(expert_.data(), assignments(), top_k(), slots(), stream());
    clock.enter("permute");
    const ProductRows x = permute(input(batch), token_.data(), assignments(), true);
    clock.enter("experts");
    const ProductRows h = hidden(assignments(), nullptr);
    fork_.fork(stream());
    for (int e = 0; e < experts(); ++e) {
      first_product(x, group(e), kernel, fork_[e]);
      second_product(h, group(e), kernel, fork_[e]);
    }
    fork_.join(stream());
    clock.enter("combine");
    combine(y);
  }

  Dispatch read_back() override { return {token_choice(), rows_in_tiles(kernel_of(tokens_))}; }

 private:
  ProductKernel kernel_of(std::int64_t tokens) const {
    return common_product(shape_.dtype, average_rows(shape_, tokens));
  }
  // Any expert may be everybody's choice.
  RowGroups group(int e) const {
    return {.begin = begin_.data() + e,
            .count = count_.data() + e,
            .first_expert = e,
            .experts = 1,
            .most_rows = tokens_};
  }

  Grouping grouping_;
  Fork fork_;
};

std::optional<std::string> unsupported(const MoeShape& shape) {
  if (shape.dtype == DType::kE4m3) {
    return "e4m3 is quantized between the products for all experts at once, which would join the "
           "streams";
  }
  return unsupported_layer(shape, common_product(shape.dtype, 1));
}

}  // namespace

extern const StrategyInfo loop_streams;
const StrategyInfo loop_streams{
    .name = "loop-streams",
    .backend = Backend::kCuda,
    .summary = "The products of loop-device-only, shared out among four streams.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = unsupported,
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<LoopStreams>(); },
    .execution = {.host_syncs = 0, .graph = true, .repeatable = true},
};

}  // namespace moe::cuda
