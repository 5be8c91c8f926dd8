// Every expert gets a buffer of the same height: [E, C] rows. What does not fit is dropped, what
// stays free is zeros and is multiplied all the same. The shapes never change, which accelerators
// and compilers like; the price is work on padding when the load is uneven and lost tokens when it
// is more uneven than the capacity allows.
#include "kernels/common/slots.h"
#include "kernels/cpu/detail/expert_ffn.h"
#include "kernels/cpu/detail/rows.h"
#include "kernels/cpu/detail/supports.h"
#include "kernels/cpu/detail/top_k.h"

namespace moe::cpu {
namespace {

// A quarter of slack over an even load, as Switch Transformers train with (arXiv 2101.03961).
constexpr double kDefaultFactor = 1.25;

TokenChoiceCapped policy_of(const Knobs& knobs) {
  return {.factor = knobs.capacity_factor.value_or(kDefaultFactor)};
}

class PaddedCapacity final : public Strategy {
 public:
  void prepare(const Layer& layer) override {
    shape_ = layer.shape;
    policy_ = policy_of(layer.knobs);
    const std::int64_t most = shape_.experts * capacity(shape_, policy_.factor, policy_.rounding);
    top_.reserve(shape_);
    slots_.of_assignment.resize(static_cast<std::size_t>(shape_.tokens * shape_.top_k));
    slots_.token.resize(static_cast<std::size_t>(most));
    slots_.begin.resize(static_cast<std::size_t>(shape_.experts) + 1);
    groups_.reserve(static_cast<std::size_t>(shape_.experts));
    input_.resize(static_cast<std::size_t>(most * shape_.hidden));
    output_.resize(input_.size());
    ffn_.prepare(shape_, *layer.weights, most);
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    clock.enter("route");
    top_.select(shape_, batch.logits);
    clock.enter("group");
    MoeShape now = shape_;
    now.tokens = batch.x.rows;
    const std::int64_t height = capacity(now, policy_.factor, policy_.rounding);
    const auto assignments = static_cast<std::size_t>(top_.tokens * top_.top_k);
    place_with_capacity({top_.expert.data(), assignments}, top_.top_k, shape_.experts, height,
                        slots_);
    groups_.clear();
    for (std::int32_t e = 0; e < shape_.experts; ++e) groups_.push_back({e, e * height, height});
    rows_ = shape_.experts * height;
    const auto input = packed(input_.data(), rows_, shape_.hidden);
    const auto output = packed(output_.data(), rows_, shape_.hidden);
    clock.enter("permute");
    gather_rows(batch.x, {slots_.token.data(), static_cast<std::size_t>(rows_)}, input);
    clock.enter("experts");
    ffn_.run(groups_, {input}, output);
    clock.enter("combine");
    combine_rows(top_, {slots_.of_assignment.data(), assignments}, output, y);
  }

  Dispatch read_back() override {
    const auto kept = [&](std::int64_t t, std::int64_t k) {
      return slots_.of_assignment[t * top_.top_k + k] != Slots::kDropped;
    };
    return {top_.routing(kept), rows_};
  }

  std::int64_t workspace_bytes() const override {
    return ffn_.workspace_bytes() +
           static_cast<std::int64_t>((input_.size() + output_.size()) * sizeof(float) +
                                     slots_.token.size() * 4) +
           shape_.tokens * shape_.top_k * 12;
  }

 private:
  MoeShape shape_;
  TokenChoiceCapped policy_;
  TopK top_;
  Slots slots_;
  std::vector<RowGroup> groups_;
  std::vector<float> input_, output_;  // [E * C, H]
  ExpertFfn ffn_;
  std::int64_t rows_ = 0;
};

}  // namespace

extern constinit const StrategyInfo padded_capacity{
    .name = "padded-capacity",
    .backend = Backend::kCpu,
    .summary =
        "One buffer of equal height per expert; what overflows is dropped, the rest is padding.",
    .policy = [](const Knobs& knobs) -> RoutingPolicy { return policy_of(knobs); },
    .unsupported = packed_dtypes,
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<PaddedCapacity>(); },
};

}  // namespace moe::cpu
