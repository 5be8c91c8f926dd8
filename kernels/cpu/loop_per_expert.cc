// For each expert in turn: gather its tokens, run it, add the weighted result to their outputs.
// The plain way, and the way most model code is first written. Needs the smallest buffers, and with
// one or two tokens there is nothing to group; but experts wait for each other, so a small expert
// leaves threads idle, and every token's output is read and written once per expert.
#include <algorithm>

#include "kernels/cpu/detail/expert_ffn.h"
#include "kernels/cpu/detail/parallel.h"
#include "kernels/cpu/detail/rows.h"
#include "kernels/cpu/detail/supports.h"
#include "kernels/cpu/detail/top_k.h"

namespace moe::cpu {
namespace {

class LoopPerExpert final : public Strategy {
 public:
  void prepare(const Layer& layer) override {
    shape_ = layer.shape;
    top_.reserve(shape_);
    token_.reserve(static_cast<std::size_t>(shape_.tokens));
    weight_.reserve(static_cast<std::size_t>(shape_.tokens));
    input_.resize(static_cast<std::size_t>(shape_.tokens * shape_.hidden));
    output_.resize(input_.size());
    ffn_.prepare(shape_, *layer.weights, shape_.tokens);
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    clock.enter("route");
    top_.select(shape_, batch.logits);
    clock.enter("combine");
    for (std::int64_t t = 0; t < y.rows; ++t) std::ranges::fill(y.row(t), 0.0F);
    for (std::int32_t e = 0; e < shape_.experts; ++e) {
      clock.enter("group");
      find_tokens(e);
      if (token_.empty()) continue;
      const auto rows = static_cast<std::int64_t>(token_.size());
      clock.enter("permute");
      gather_rows(batch.x, token_, packed(input_.data(), rows, shape_.hidden));
      clock.enter("experts");
      const RowGroup group{e, 0, rows};
      ffn_.run({&group, 1}, {packed<const float>(input_.data(), rows, shape_.hidden)},
               packed(output_.data(), rows, shape_.hidden));
      clock.enter("combine");
      add_rows(y);
    }
  }

  Dispatch read_back() override { return {top_.routing(), top_.tokens * top_.top_k}; }

  std::int64_t workspace_bytes() const override {
    return ffn_.workspace_bytes() +
           static_cast<std::int64_t>((input_.size() + output_.size()) * sizeof(float)) +
           shape_.tokens * (shape_.top_k + 1) * 8;
  }

 private:
  void find_tokens(std::int32_t expert) {
    token_.clear();
    weight_.clear();
    for (std::int64_t a = 0; a < top_.tokens * top_.top_k; ++a) {
      if (top_.expert[a] != expert) continue;
      token_.push_back(static_cast<std::int32_t>(a / top_.top_k));
      weight_.push_back(top_.weight[a]);
    }
  }

  // A token stands at most once in token_, so no two tasks write the same row.
  void add_rows(MatrixView<float> y) {
    parallel_for(static_cast<std::int64_t>(token_.size()), [&](std::int64_t i) {
      const float* row = output_.data() + i * shape_.hidden;
      const auto sum = y.row(token_[i]);
      for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += weight_[i] * row[j];
    });
  }

  MoeShape shape_;
  TopK top_;
  std::vector<std::int32_t> token_;  // of the expert at hand
  std::vector<float> weight_;
  std::vector<float> input_, output_;  // [T, H]
  ExpertFfn ffn_;
};

}  // namespace

extern constinit const StrategyInfo loop_per_expert{
    .name = "loop-per-expert",
    .backend = Backend::kCpu,
    .summary =
        "One expert after another: gather its tokens, run it, add its share to their outputs.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = packed_dtypes,
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<LoopPerExpert>(); },
    .plan = [](const MoeShape& s, std::span<const std::int64_t> tokens) -> DispatchPlan {
      const auto copied = static_cast<double>(s.tokens * s.top_k * s.hidden * 4);
      const std::int64_t hit = std::ranges::count_if(tokens, [](auto n) { return n > 0; });
      return {.rows = {tokens.begin(), tokens.end()}, .waits = 3 * hit, .copied_bytes = 3 * copied};
    },
};

}  // namespace moe::cpu
