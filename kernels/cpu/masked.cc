// Every expert has room for all tokens: [E, T] places, of which only those in use are copied and
// multiplied. Nothing is dropped, and no row's place depends on the load of another expert, so
// nothing is counted before tokens are placed: one pass instead of two. The price is memory.
#include "kernels/cpu/detail/expert_ffn.h"
#include "kernels/cpu/detail/supports.h"
#include "kernels/cpu/detail/top_k.h"

namespace moe::cpu {
namespace {

class Masked final : public Strategy {
 public:
  void prepare(const Layer& layer) override {
    shape_ = layer.shape;
    const std::int64_t places = shape_.experts * shape_.tokens;
    top_.reserve(shape_);
    token_.resize(static_cast<std::size_t>(places));
    weight_.resize(static_cast<std::size_t>(places));
    groups_.resize(static_cast<std::size_t>(shape_.experts));
    ffn_.prepare(shape_, *layer.weights, places);
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    clock.enter("route");
    top_.select(shape_, batch.logits);
    clock.enter("group");
    for (std::int32_t e = 0; e < shape_.experts; ++e) groups_[e] = {e, e * shape_.tokens, 0};
    for (std::int64_t a = 0; a < top_.tokens * top_.top_k; ++a) {
      RowGroup& group = groups_[top_.expert[a]];
      const std::int64_t place = group.begin + group.rows++;
      token_[place] = static_cast<std::int32_t>(a / top_.top_k);
      weight_[place] = top_.weight[a];
    }
    clock.enter("experts");
    ffn_.run(groups_, {batch.x, token_}, {token_, weight_, y});
  }

  Dispatch read_back() override { return {top_.routing(), top_.tokens * top_.top_k}; }

  std::int64_t workspace_bytes() const override {
    return ffn_.workspace_bytes() + shape_.tokens * (8 * shape_.experts + 8 * shape_.top_k);
  }

 private:
  MoeShape shape_;
  TopK top_;
  std::vector<std::int32_t> token_;  // [E, T]
  std::vector<float> weight_;        // [E, T]
  std::vector<RowGroup> groups_;     // [E]
  ExpertFfn ffn_;
};

}  // namespace

extern constinit const StrategyInfo masked{
    .name = "masked",
    .backend = Backend::kCpu,
    .summary = "Room for all tokens at every expert; only rows in use are copied and multiplied.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = packed_dtypes,
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<Masked>(); },
    .plan = [](const MoeShape& s, std::span<const std::int64_t> tokens) -> DispatchPlan {
      return {.rows = {tokens.begin(), tokens.end()}, .waits = s.tokens > 64 ? 2 : 1};
    },
};

}  // namespace moe::cpu
