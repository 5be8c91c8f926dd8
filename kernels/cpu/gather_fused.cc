// No permuted copy and no expert outputs: tokens are copied by the sorted list straight into the
// order the kernels read, and each expert's weighted share is added to y where it leaves the second
// product. A task owns columns of y for all experts, so the sums need no atomics and have one
// order.
#include "kernels/common/slots.h"
#include "kernels/cpu/detail/expert_ffn.h"
#include "kernels/cpu/detail/supports.h"
#include "kernels/cpu/detail/top_k.h"

namespace moe::cpu {
namespace {

class GatherFused final : public Strategy {
 public:
  void prepare(const Layer& layer) override {
    shape_ = layer.shape;
    const std::int64_t assignments = shape_.tokens * shape_.top_k;
    top_.reserve(shape_);
    slots_.of_assignment.resize(static_cast<std::size_t>(assignments));
    slots_.token.resize(static_cast<std::size_t>(assignments));
    slots_.begin.resize(static_cast<std::size_t>(shape_.experts) + 1);
    weight_.resize(static_cast<std::size_t>(assignments));
    groups_.reserve(static_cast<std::size_t>(shape_.experts));
    ffn_.prepare(shape_, *layer.weights, assignments);
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    clock.enter("route");
    top_.select(shape_, batch.logits);
    clock.enter("group");
    const auto rows = static_cast<std::size_t>(top_.tokens * top_.top_k);
    place_by_expert({top_.expert.data(), rows}, top_.top_k, shape_.experts, slots_);
    for (std::size_t a = 0; a < rows; ++a) weight_[slots_.of_assignment[a]] = top_.weight[a];
    groups_.clear();
    for (std::int32_t e = 0; e < shape_.experts; ++e) {
      groups_.push_back({e, slots_.begin[e], slots_.begin[e + 1] - slots_.begin[e]});
    }
    clock.enter("experts");
    const std::span<const std::int32_t> token(slots_.token.data(), rows);
    ffn_.run(groups_, {batch.x, token}, {token, weight_, y});
  }

  Dispatch read_back() override { return {top_.routing(), top_.tokens * top_.top_k}; }

  std::int64_t workspace_bytes() const override {
    return ffn_.workspace_bytes() + shape_.tokens * shape_.top_k * 20;
  }

 private:
  MoeShape shape_;
  TopK top_;
  Slots slots_;
  std::vector<float> weight_;  // [T * K], by slot
  std::vector<RowGroup> groups_;
  ExpertFfn ffn_;
};

}  // namespace

extern constinit const StrategyInfo gather_fused{
    .name = "gather-fused",
    .backend = Backend::kCpu,
    .summary = "Tokens gathered straight into kernel order, shares added to y in place: no copies.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = packed_dtypes,
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<GatherFused>(); },
    .plan = [](const MoeShape& s, std::span<const std::int64_t> tokens) -> DispatchPlan {
      return {.rows = {tokens.begin(), tokens.end()}, .waits = s.tokens > 64 ? 2 : 1};
    },
};

}  // namespace moe::cpu
