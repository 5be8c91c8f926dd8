// The loop over the experts without the host's help: two products are launched for every expert,
// chosen or not, and each finds out on the device how many rows it has. Nothing waits, so a run can
// be recorded; the price is launches for experts nobody asked for.
#include "kernels/cuda/detail/layer.h"

namespace moe::cuda {
namespace {

class LoopDeviceOnly final : public LayerStrategy {
 public:
  void prepare(const Layer& layer) override {
    prepare_layer(layer);
    const std::int64_t rows = shape_.tokens * shape_.top_k;
    prepare_routes();
    prepare_slots(rows);
    prepare_permuted(rows);
    prepare_products(rows, true);
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
    for (int e = 0; e < experts(); ++e) first_product(x, group(e), kernel);
    const ProductRows h = hidden(assignments(), nullptr);
    for (int e = 0; e < experts(); ++e) second_product(h, group(e), kernel);
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
};

}  // namespace

extern const StrategyInfo loop_device_only;
const StrategyInfo loop_device_only{
    .name = "loop-device-only",
    .backend = Backend::kCuda,
    .summary = "Two launches for every expert; how many rows it has stays on the device.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = [](const MoeShape& shape) -> std::optional<std::string> {
      return unsupported_layer(shape, common_product(shape.dtype, 1));
    },
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<LoopDeviceOnly>(); },
    .execution = {.host_syncs = 0, .graph = true, .repeatable = true},
};

}  // namespace moe::cuda
