// Every expert on every token, and the weights of the experts a token did not choose left out of
// the sum. No gather, no sort, no uneven shapes: the upper bound on work, E / K times what is
// needed, and so the line any dispatch has to beat. With K = E it is the right way.
#include <algorithm>

#include "kernels/cpu/detail/expert_ffn.h"
#include "kernels/cpu/detail/parallel.h"
#include "kernels/cpu/detail/supports.h"
#include "kernels/cpu/detail/top_k.h"

namespace moe::cpu {
namespace {

constexpr float kNotChosen = -1.0F;  // no softmax gives it

class DenseMasked final : public Strategy {
 public:
  void prepare(const Layer& layer) override {
    shape_ = layer.shape;
    top_.reserve(shape_);
    weight_.resize(static_cast<std::size_t>(shape_.tokens * shape_.experts));
    output_.resize(static_cast<std::size_t>(shape_.tokens * shape_.hidden));
    ffn_.prepare(shape_, *layer.weights, shape_.tokens);
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    clock.enter("route");
    top_.select(shape_, batch.logits);
    clock.enter("group");
    spread_weights();
    clock.enter("combine");
    for (std::int64_t t = 0; t < y.rows; ++t) std::ranges::fill(y.row(t), 0.0F);
    for (std::int32_t e = 0; e < shape_.experts; ++e) {
      clock.enter("experts");
      const RowGroup everyone{e, 0, top_.tokens};
      ffn_.run({&everyone, 1}, {batch.x}, packed(output_.data(), top_.tokens, shape_.hidden));
      clock.enter("combine");
      add_rows(e, y);
    }
  }

  Dispatch read_back() override { return {top_.routing(), top_.tokens * shape_.experts}; }

  std::int64_t workspace_bytes() const override {
    return ffn_.workspace_bytes() +
           static_cast<std::int64_t>((weight_.size() + output_.size()) * sizeof(float)) +
           shape_.tokens * shape_.top_k * 8;
  }

 private:
  void spread_weights() {
    std::fill_n(weight_.begin(), top_.tokens * shape_.experts, kNotChosen);
    for (std::int64_t a = 0; a < top_.tokens * top_.top_k; ++a) {
      weight_[a / top_.top_k * shape_.experts + top_.expert[a]] = top_.weight[a];
    }
  }

  // Left out and not multiplied by zero: an infinity of an expert nobody chose must not become NaN.
  void add_rows(std::int32_t e, MatrixView<float> y) {
    parallel_for(blocks_of(top_.tokens, kRowsPerTask), [&](std::int64_t block) {
      const std::int64_t end = std::min(top_.tokens, (block + 1) * kRowsPerTask);
      for (std::int64_t t = block * kRowsPerTask; t < end; ++t) {
        const float weight = weight_[t * shape_.experts + e];
        if (weight == kNotChosen) continue;
        const auto sum = y.row(t);
        const float* row = output_.data() + t * shape_.hidden;
        for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += weight * row[j];
      }
    });
  }

  static constexpr std::int64_t kRowsPerTask = 32;

  MoeShape shape_;
  TopK top_;
  std::vector<float> weight_;  // [T, E]
  std::vector<float> output_;  // [T, H]
  ExpertFfn ffn_;
};

}  // namespace

extern constinit const StrategyInfo dense_masked{
    .name = "dense-masked",
    .backend = Backend::kCpu,
    .summary = "Every expert on every token, unchosen ones left out of the sum: the bound on work.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = packed_dtypes,
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<DenseMasked>(); },
    .plan = [](const MoeShape& s, std::span<const std::int64_t> tokens) -> DispatchPlan {
      const auto experts = std::ssize(tokens);
      return {.rows = std::vector<std::int64_t>(experts, s.tokens),
              .waits = 2 * experts,
              .copied_bytes = static_cast<double>(2 * experts * s.tokens * s.hidden * 4)};
    },
};

}  // namespace moe::cpu
