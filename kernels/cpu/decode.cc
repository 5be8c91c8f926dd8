// For the few tokens of step-by-step generation. There is nothing to sort: each expert that is hit
// is listed once, with its tokens, by looking through the assignments. Everything but the weights
// is small, so one thread does it all, and the threads are called once a layer, to read weights.
#include "kernels/cpu/detail/expert_ffn.h"
#include "kernels/cpu/detail/supports.h"
#include "kernels/cpu/detail/top_k.h"

namespace moe::cpu {
namespace {

constexpr std::int64_t kMostTokens = 16;

class Decode final : public Strategy {
 public:
  void prepare(const Layer& layer) override {
    shape_ = layer.shape;
    const std::int64_t assignments = shape_.tokens * shape_.top_k;
    top_.reserve(shape_);
    token_.reserve(static_cast<std::size_t>(assignments));
    weight_.reserve(static_cast<std::size_t>(assignments));
    groups_.reserve(static_cast<std::size_t>(assignments));
    ffn_.prepare(shape_, *layer.weights, assignments);
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    clock.enter("route");
    top_.select(shape_, batch.logits);
    clock.enter("group");
    list_experts();
    clock.enter("experts");
    ffn_.run(groups_, {batch.x, token_}, {token_, weight_, y});
  }

  Dispatch read_back() override { return {top_.routing(), top_.tokens * top_.top_k}; }

  std::int64_t workspace_bytes() const override {
    return ffn_.workspace_bytes() + shape_.tokens * shape_.top_k * (16 + 24);
  }

 private:
  // The experts that are hit, ascending, and the rows of each in token order.
  void list_experts() {
    const std::int64_t assignments = top_.tokens * top_.top_k;
    token_.clear();
    weight_.clear();
    groups_.clear();
    for (std::int64_t last = -1;;) {
      std::int64_t next = shape_.experts;
      for (std::int64_t a = 0; a < assignments; ++a) {
        const std::int64_t e = top_.expert[a];
        if (e > last && e < next) next = e;
      }
      if (next == shape_.experts) return;
      groups_.push_back({static_cast<std::int32_t>(next), std::ssize(token_), 0});
      for (std::int64_t a = 0; a < assignments; ++a) {
        if (top_.expert[a] != next) continue;
        token_.push_back(static_cast<std::int32_t>(a / top_.top_k));
        weight_.push_back(top_.weight[a]);
      }
      groups_.back().rows = std::ssize(token_) - groups_.back().begin;
      last = next;
    }
  }

  MoeShape shape_;
  TopK top_;
  std::vector<std::int32_t> token_;  // [T * K], by expert
  std::vector<float> weight_;        // [T * K], by expert
  std::vector<RowGroup> groups_;
  ExpertFfn ffn_;
};

std::optional<std::string> unsupported(const MoeShape& shape) {
  if (shape.tokens <= kMostTokens) return packed_dtypes(shape);
  return "at most 16 tokens are decoded at once, not " + std::to_string(shape.tokens);
}

}  // namespace

extern constinit const StrategyInfo decode{
    .name = "decode",
    .backend = Backend::kCpu,
    .summary = "For up to 16 tokens: no sort, no copies, threads called once to read weights.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = unsupported,
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<Decode>(); },
    .plan = [](const MoeShape&, std::span<const std::int64_t> tokens) -> DispatchPlan {
      return {.rows = {tokens.begin(), tokens.end()}};
    },
};

}  // namespace moe::cpu
