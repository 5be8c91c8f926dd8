// Each expert takes the C tokens that like it most (Zhou et al., arXiv 2202.09368): perfect balance
// by construction, no padding, no sort over all assignments. Another function than token choice: a
// token may get many experts or none, and whether it gets one depends on tokens that come after it,
// so this is for encoders and prefill, never for step-by-step generation.
#include <algorithm>

#include "kernels/cuda/detail/layer.h"
#include "kernels/cuda/rows/rows.h"

namespace moe::cuda {
namespace {

// As much work as token choice does.
constexpr double kDefaultFactor = 1.0;

moe::ExpertChoice policy_of(const Knobs& knobs) {
  return {.factor = knobs.capacity_factor.value_or(kDefaultFactor)};
}

class ExpertChoiceStrategy final : public LayerStrategy {
 public:
  void prepare(const Layer& layer) override {
    prepare_layer(layer);
    const std::int64_t slots = shape_.experts * takes_of(shape_.tokens);
    reserve(token_, slots);
    reserve(begin_, shape_.experts + 1);
    reserve(count_, shape_.experts);
    reserve(probability_, shape_.experts * shape_.tokens);
    reserve(weight_of_slot_, slots);
    reserve(list_begin_, shape_.tokens + 1);
    reserve(list_, slots);
    prepare_permuted(slots);
    prepare_products(slots, true);
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    begin_run(batch);
    if (tokens_ == 0) return;
    const std::int64_t takes = takes_of(tokens_), rows = shape_.experts * takes;
    const ProductKernel kernel = common_product(shape_.dtype, takes);
    clock.enter("route");
    choose(batch, takes);
    clock.enter("group");
    make_even_groups(takes, count_.data());
    list_slots_by_token(token_.data(), rows, tokens_, list_begin_.data(), list_.data(), stream());
    clock.enter("permute");
    const ProductRows input_rows = permute(input(batch), token_.data(), rows, true);
    clock.enter("experts");
    const RowGroups groups{
        .begin = begin_.data(), .count = count_.data(), .experts = experts(), .most_rows = rows};
    first_product(input_rows, groups, kernel);
    second_product(hidden(rows, nullptr), groups, kernel);
    clock.enter("combine");
    combine_lists({.rows = output_.data(),
                   .row_type = output_type(),
                   .rows_stride = output_stride_,
                   .slot_begin = list_begin_.data(),
                   .slot_of = list_.data(),
                   .weight = weight_of_slot_.data(),
                   .tokens = tokens_,
                   .y = y.data,
                   .y_stride = y.stride,
                   .hidden = shape_.hidden},
                  stream());
  }

  Dispatch read_back() override {
    const std::int64_t takes = takes_of(tokens_), rows = shape_.experts * takes;
    const auto token = download(token_.data(), rows);
    const auto weight = download(weight_of_slot_.data(), rows);
    std::vector<std::vector<std::pair<float, std::int32_t>>> of_token(
        static_cast<std::size_t>(tokens_));
    for (std::int64_t slot = 0; slot < rows; ++slot) {
      of_token[token[slot]].emplace_back(-weight[slot], static_cast<std::int32_t>(slot / takes));
    }
    Routing r{{0}, {}, {}};
    for (auto& row : of_token) {
      std::ranges::sort(row);  // heavier first, then the lower expert
      for (const auto& [negative, e] : row) {
        r.expert.push_back(e);
        r.weight.push_back(-negative);
      }
      r.offsets.push_back(static_cast<std::int32_t>(r.expert.size()));
    }
    return {r, rows_in_tiles(common_product(shape_.dtype, takes))};
  }

 private:
  std::int64_t takes_of(std::int64_t tokens) const {
    MoeShape now = shape_;
    now.tokens = tokens;
    const moe::ExpertChoice policy = policy_of(knobs_);
    return capacity(now, policy.factor, policy.rounding);
  }

  void choose(const Batch& batch, std::int64_t takes) {
    select_for_experts({.logits = batch.logits.data,
                        .logits_stride = batch.logits.stride,
                        .tokens = tokens_,
                        .experts = experts(),
                        .takes = takes,
                        .probability = probability_.data(),
                        .token = token_.data(),
                        .weight = weight_of_slot_.data()},
                       stream());
  }

  Buffer<float> probability_;               // [E, T]
  Buffer<std::int32_t> list_begin_, list_;  // the slots of each token
};

std::optional<std::string> unsupported(const MoeShape& shape) {
  return unsupported_layer(shape, common_product(shape.dtype, 1));
}

}  // namespace

extern const StrategyInfo expert_choice;
const StrategyInfo expert_choice{
    .name = "expert-choice",
    .backend = Backend::kCuda,
    .summary = "Each expert takes the tokens that like it most: even load, another function.",
    .policy = [](const Knobs& knobs) -> RoutingPolicy { return policy_of(knobs); },
    .unsupported = unsupported,
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<ExpertChoiceStrategy>(); },
    .execution = {.host_syncs = 0, .graph = true, .repeatable = true},
};

}  // namespace moe::cuda
