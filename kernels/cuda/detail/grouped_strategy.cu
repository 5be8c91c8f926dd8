#include <limits>

#include "kernels/cuda/detail/grouped_strategy.h"

namespace moe::cuda {
namespace {

constexpr double kDefaultFactor = 1.25;

class GroupedStrategy final : public LayerStrategy {
 public:
  explicit GroupedStrategy(const GroupedPlan& plan) : plan_(plan) {}

  void prepare(const Layer& layer) override {
    prepare_layer(layer);
    const std::int64_t slots = slots_for(shape_.tokens);
    prepare_routes();
    prepare_slots(slots);
    prepare_products(slots, plan_.output == GroupedPlan::Output::kGatherAndSum);
    if (plan_.input == GroupedPlan::Input::kPermuted) prepare_permuted(slots);
    if (plan_.output == GroupedPlan::Output::kAtomicAdd) reserve(weight_of_slot_, slots);
    if (plan_.layout == GroupedPlan::Layout::kCapacity) reserve(full_count_, shape_.experts);
    if (plan_.layout == GroupedPlan::Layout::kSorted) {
      grouping_ = Grouping(shape_.tokens * shape_.top_k, experts(), plan_.grouping);
    }
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    begin_run(batch);
    if (tokens_ == 0) return;
    const ProductKernel kernel = plan_.kernel(shape_, tokens_);
    const std::int64_t slots = slots_for(tokens_);
    const std::int32_t* used =
        plan_.layout == GroupedPlan::Layout::kMasked ? token_.data() : nullptr;
    clock.enter("route");
    route(batch);
    clock.enter("group");
    place();
    const bool permuted = plan_.input == GroupedPlan::Input::kPermuted;
    clock.enter(permuted ? "permute" : "experts");
    const ProductRows rows = expert_input(batch, slots);
    if (permuted) clock.enter("experts");
    const RowGroups groups{.begin = begin_.data(),
                           .count = multiplied(),
                           .experts = experts(),
                           .most_rows = most_rows(slots)};
    first_product(rows, groups, kernel);
    const ProductRows h = hidden(slots, used);
    if (plan_.output == GroupedPlan::Output::kAtomicAdd) {
      clear(y);
      second_product_into(y, h, groups, token_.data(), weight_of_slot_.data(), kernel);
      return;
    }
    second_product(h, groups, kernel);
    clock.enter("combine");
    combine(y);
  }

  Dispatch read_back() override {
    const ProductKernel kernel = plan_.kernel(shape_, tokens_);
    if (plan_.layout != GroupedPlan::Layout::kCapacity) {
      return {token_choice(), rows_in_tiles(kernel)};
    }
    return {token_choice(), shape_.experts * rows_multiplied(kernel, height(tokens_))};
  }

 private:
  // Rows of each expert where all have the same.
  std::int64_t height(std::int64_t tokens) const {
    if (plan_.layout == GroupedPlan::Layout::kMasked) return tokens;
    MoeShape now = shape_;
    now.tokens = tokens;
    const TokenChoiceCapped policy = capped_policy(knobs_);
    return capacity(now, policy.factor, policy.rounding);
  }
  std::int64_t slots_for(std::int64_t tokens) const {
    if (plan_.layout == GroupedPlan::Layout::kSorted) return tokens * shape_.top_k;
    return shape_.experts * height(tokens);
  }
  std::int64_t most_rows(std::int64_t slots) const {
    return plan_.layout == GroupedPlan::Layout::kMasked ? assignments() : slots;
  }
  const std::int32_t* multiplied() const {
    return plan_.layout == GroupedPlan::Layout::kCapacity ? full_count_.data() : count_.data();
  }

  void place() {
    if (plan_.layout == GroupedPlan::Layout::kSorted) {
      grouping_.run(expert_.data(), assignments(), top_k(), slots(), stream());
    } else {
      make_even_groups(height(tokens_), full_count_.data());
      place_with_height(expert_.data(), tokens_, top_k(), experts(), height(tokens_), slots(),
                        stream());
    }
    if (plan_.output == GroupedPlan::Output::kAtomicAdd) spread_weights();
  }

  ProductRows expert_input(const Batch& batch, std::int64_t slots) {
    ProductRows x = input(batch);
    if (plan_.input == GroupedPlan::Input::kPermuted) {
      return permute(x, token_.data(), slots, plan_.layout != GroupedPlan::Layout::kMasked);
    }
    x.a_row = token_.data();
    return x;
  }

  GroupedPlan plan_;
  Grouping grouping_;
  Buffer<std::int32_t> full_count_;  // [E], all of them the height
};

}  // namespace

TokenChoiceCapped capped_policy(const Knobs& knobs) {
  return {.factor = knobs.capacity_factor.value_or(kDefaultFactor)};
}

std::optional<std::string> unsupported_grouped(const GroupedPlan& plan, const MoeShape& shape) {
  if (const auto why = unsupported_layer(shape)) return why;
  if (const auto why = product_unsupported(plan.kernel(shape, shape.tokens), shape.dtype))
    return why;
  const std::int64_t rows =
      shape.tokens * (plan.layout == GroupedPlan::Layout::kSorted ? shape.top_k : shape.experts);
  if (rows <= std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return "slots are numbered in 32 bits, and " + std::to_string(rows) + " are too many";
}

std::unique_ptr<Strategy> make_grouped(const GroupedPlan& plan) {
  return std::make_unique<GroupedStrategy>(plan);
}

}  // namespace moe::cuda
