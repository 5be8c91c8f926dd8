// Sort the assignments by expert (a counting sort), permute the tokens into that order, run all
// experts as one grouped product, and sum each token's K rows back, weighted. Two copies of T * K
// rows buy one pool of work: no expert waits for another, and each token's output is written once,
// in a fixed order.
#include "kernels/common/slots.h"
#include "kernels/cpu/detail/expert_ffn.h"
#include "kernels/cpu/detail/rows.h"
#include "kernels/cpu/detail/supports.h"
#include "kernels/cpu/detail/top_k.h"

namespace moe::cpu {
namespace {

class SortAndGroup final : public Strategy {
 public:
  void prepare(const Layer& layer) override {
    shape_ = layer.shape;
    const std::int64_t assignments = shape_.tokens * shape_.top_k;
    top_.reserve(shape_);
    slots_.of_assignment.resize(static_cast<std::size_t>(assignments));
    slots_.token.resize(static_cast<std::size_t>(assignments));
    slots_.begin.resize(static_cast<std::size_t>(shape_.experts) + 1);
    groups_.reserve(static_cast<std::size_t>(shape_.experts));
    input_.resize(static_cast<std::size_t>(assignments * shape_.hidden));
    output_.resize(input_.size());
    ffn_.prepare(shape_, *layer.weights, assignments);
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    clock.enter("route");
    top_.select(shape_, batch.logits);
    clock.enter("group");
    const auto rows = static_cast<std::size_t>(top_.tokens * top_.top_k);
    place_by_expert({top_.expert.data(), rows}, top_.top_k, shape_.experts, slots_);
    groups_.clear();
    for (std::int32_t e = 0; e < shape_.experts; ++e) {
      groups_.push_back({e, slots_.begin[e], slots_.begin[e + 1] - slots_.begin[e]});
    }
    const auto input = packed(input_.data(), static_cast<std::int64_t>(rows), shape_.hidden);
    const auto output = packed(output_.data(), static_cast<std::int64_t>(rows), shape_.hidden);
    clock.enter("permute");
    gather_rows(batch.x, {slots_.token.data(), rows}, input);
    clock.enter("experts");
    ffn_.run(groups_, {input}, output);
    clock.enter("combine");
    combine_rows(top_, {slots_.of_assignment.data(), rows}, output, y);
  }

  Dispatch read_back() override { return {top_.routing(), top_.tokens * top_.top_k}; }

  std::int64_t workspace_bytes() const override {
    return ffn_.workspace_bytes() +
           static_cast<std::int64_t>((input_.size() + output_.size()) * sizeof(float)) +
           shape_.tokens * shape_.top_k * 16;
  }

 private:
  MoeShape shape_;
  TopK top_;
  Slots slots_;
  std::vector<RowGroup> groups_;
  std::vector<float> input_, output_;  // [T * K, H]
  ExpertFfn ffn_;
};

}  // namespace

extern constinit const StrategyInfo sort_and_group{
    .name = "sort-and-group",
    .backend = Backend::kCpu,
    .summary = "Assignments counting-sorted by expert, one grouped product, a weighted un-permute.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = packed_dtypes,
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<SortAndGroup>(); },
    .plan = [](const MoeShape& s, std::span<const std::int64_t> tokens) -> DispatchPlan {
      const auto copied = static_cast<double>(s.tokens * s.top_k * s.hidden * 4);
      return {.rows = {tokens.begin(), tokens.end()}, .waits = 4, .copied_bytes = 2 * copied};
    },
};

}  // namespace moe::cpu
