// For each expert in turn: gather its tokens, run it, add the weighted result to their outputs. The
// plain way, and the way most model code is first written: the host must know how many tokens an
// expert has, so it waits for the device once a run, and then launches a few small kernels an
// expert. Needs the smallest buffers.
#include "kernels/cuda/detail/host_buffer.h"
#include "kernels/cuda/detail/layer.h"

namespace moe::cuda {
namespace {

class LoopPerExpert final : public LayerStrategy {
 public:
  void prepare(const Layer& layer) override {
    prepare_layer(layer);
    prepare_routes();
    prepare_slots(shape_.tokens * shape_.top_k);
    reserve(weight_of_slot_, shape_.tokens * shape_.top_k);
    // An expert's rows only, so they begin at row 0.
    prepare_permuted(shape_.tokens);
    prepare_products(shape_.tokens, false);
    reserve(zero_, 1);
    check(cudaMemsetAsync(zero_.data(), 0, sizeof(std::int32_t), stream()));
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
    clock.enter("permute");
    const ProductRows x = input(batch);
    std::int64_t begin = 0;
    for (int e = 0; e < experts(); ++e) {
      const std::int32_t rows = host_count_.values()[e];
      if (rows > 0) run_expert(e, begin, rows, x, y, clock);
      begin += rows;
    }
  }

  Dispatch read_back() override {
    std::int64_t rows = 0;
    for (int e = 0; e < experts() && tokens_ > 0; ++e) {
      const std::int32_t count = host_count_.values()[e];
      rows += rows_multiplied(common_product(shape_.dtype, count), count);
    }
    return {token_choice(), rows};
  }

 private:
  // A token stands at most once in an expert's rows, so each addition to y is the only one of its
  // launch: the order is that of the experts, always.
  void run_expert(int e, std::int64_t begin, std::int32_t rows, const ProductRows& x,
                  MatrixView<float> y, PhaseClock& clock) {
    const ProductKernel kernel = common_product(shape_.dtype, rows);
    const RowGroups group{.begin = zero_.data(),
                          .count = count_.data() + e,
                          .first_expert = e,
                          .experts = 1,
                          .most_rows = rows};
    clock.enter("permute");
    const ProductRows mine = permute(x, token_.data() + begin, rows, true);
    clock.enter("experts");
    first_product(mine, group, kernel);
    second_product_into(y, hidden(rows, nullptr), group, token_.data() + begin,
                        weight_of_slot_.data() + begin, kernel);
  }

  Grouping grouping_;
  Buffer<std::int32_t> zero_;  // where each expert's rows begin
  HostBuffer<std::int32_t> host_count_;
};

}  // namespace

extern const StrategyInfo loop_per_expert;
const StrategyInfo loop_per_expert{
    .name = "loop-per-expert",
    .backend = Backend::kCuda,
    .summary =
        "One expert after another: gather its tokens, run it, add its share to their outputs.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = [](const MoeShape& shape) -> std::optional<std::string> {
      return unsupported_layer(shape, common_product(shape.dtype, 1));
    },
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<LoopPerExpert>(); },
    .execution = {.host_syncs = 1, .graph = false, .repeatable = true},
};

}  // namespace moe::cuda
