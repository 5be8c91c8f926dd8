// Each expert takes the C tokens that like it most (Zhou et al., arXiv 2202.09368): perfect balance
// by construction, no padding, no sort over all assignments. Another function than token choice: a
// token may get many experts or none, and whether it gets one depends on tokens that come after it,
// so this is for encoders and prefill, never for step-by-step generation.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/cpu/detail/expert_ffn.h"
#include "kernels/cpu/detail/parallel.h"
#include "kernels/cpu/detail/rows.h"
#include "kernels/cpu/detail/supports.h"
#include "kernels/cpu/detail/top_k.h"

namespace moe::cpu {
namespace {

// As much work as token choice does.
constexpr double kDefaultFactor = 1.0;

ExpertChoice policy_of(const Knobs& knobs) {
  return {.factor = knobs.capacity_factor.value_or(kDefaultFactor)};
}

class ExpertChoiceStrategy final : public Strategy {
 public:
  void prepare(const Layer& layer) override {
    shape_ = layer.shape;
    policy_ = policy_of(layer.knobs);
    const std::int64_t e = shape_.experts;
    const std::int64_t rows = e * capacity(shape_, policy_.factor, policy_.rounding);
    probability_.resize(static_cast<std::size_t>(shape_.tokens * e));
    order_.resize(static_cast<std::size_t>(shape_.tokens * e));
    token_.resize(static_cast<std::size_t>(rows));
    slots_of_token_.resize(static_cast<std::size_t>(rows));
    begin_.resize(static_cast<std::size_t>(shape_.tokens) + 1);
    groups_.reserve(static_cast<std::size_t>(e));
    input_.resize(static_cast<std::size_t>(rows * shape_.hidden));
    output_.resize(input_.size());
    ffn_.prepare(shape_, *layer.weights, rows);
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    MoeShape now = shape_;
    now.tokens = tokens_ = batch.x.rows;
    takes_ = capacity(now, policy_.factor, policy_.rounding);
    rows_ = shape_.experts * takes_;
    clock.enter("route");
    score(batch.logits);
    parallel_for(shape_.experts, [&](std::int64_t e) { choose(e); });
    clock.enter("group");
    list_by_token();
    groups_.clear();
    for (std::int32_t e = 0; e < shape_.experts; ++e) groups_.push_back({e, e * takes_, takes_});
    const auto input = packed(input_.data(), rows_, shape_.hidden);
    const auto output = packed(output_.data(), rows_, shape_.hidden);
    clock.enter("permute");
    gather_rows(batch.x, {token_.data(), static_cast<std::size_t>(rows_)}, input);
    clock.enter("experts");
    ffn_.run(groups_, {input}, output);
    clock.enter("combine");
    combine(output, y);
  }

  Dispatch read_back() override {
    Routing r{{0}, {}, {}};
    for (std::int64_t t = 0; t < tokens_; ++t) {
      std::vector<std::pair<float, std::int32_t>> row;  // heavier first, then the lower expert
      for (auto i = begin_[t]; i < begin_[t + 1]; ++i) {
        const auto e = static_cast<std::int32_t>(slots_of_token_[i] / takes_);
        row.emplace_back(-probability_[e * tokens_ + t], e);
      }
      std::ranges::sort(row);
      for (const auto& [negative, e] : row) {
        r.expert.push_back(e);
        r.weight.push_back(-negative);
      }
      r.offsets.push_back(static_cast<std::int32_t>(r.expert.size()));
    }
    return {r, rows_};
  }

  std::int64_t workspace_bytes() const override {
    return ffn_.workspace_bytes() +
           static_cast<std::int64_t>((input_.size() + output_.size() + probability_.size() +
                                      order_.size() + 2 * token_.size() + begin_.size()) *
                                     4);
  }

 private:
  // probability_[e, t]: softmax over the experts, stored by expert for the choice that follows.
  void score(MatrixView<const float> logits) {
    parallel_for(blocks_of(tokens_, kTokensPerTask), [&](std::int64_t block) {
      const std::int64_t end = std::min(tokens_, (block + 1) * kTokensPerTask);
      for (std::int64_t t = block * kTokensPerTask; t < end; ++t) {
        softmax_by_expert(logits.row(t), probability_.data() + t, tokens_);
      }
    });
  }

  // The takes_ tokens of highest probability, ties to the lower token; kept in token order, so that
  // the gather reads forward.
  void choose(std::int64_t e) {
    const float* p = probability_.data() + e * tokens_;
    const auto order = order_.begin() + e * tokens_;
    std::iota(order, order + tokens_, 0);
    if (takes_ < tokens_) {
      std::nth_element(order, order + takes_, order + tokens_,
                       [&](auto a, auto b) { return p[a] != p[b] ? p[a] > p[b] : a < b; });
    }
    std::sort(order, order + takes_);
    std::copy(order, order + takes_, token_.begin() + e * takes_);
  }

  // Turns slot -> token into token -> slots (a counting sort, so by ascending expert).
  void list_by_token() {
    std::fill_n(begin_.begin(), tokens_ + 1, 0);
    for (std::int64_t s = 0; s < rows_; ++s) ++begin_[token_[s] + 1];
    for (std::int64_t t = 0; t < tokens_; ++t) begin_[t + 1] += begin_[t];
    for (std::int64_t s = 0; s < rows_; ++s) {
      slots_of_token_[begin_[token_[s]]++] = static_cast<std::int32_t>(s);
    }
    for (std::int64_t t = tokens_; t > 0; --t) begin_[t] = begin_[t - 1];
    begin_[0] = 0;
  }

  void combine(MatrixView<const float> expert_out, MatrixView<float> y) {
    parallel_for(blocks_of(tokens_, kTokensPerTask), [&](std::int64_t block) {
      const std::int64_t end = std::min(tokens_, (block + 1) * kTokensPerTask);
      for (std::int64_t t = block * kTokensPerTask; t < end; ++t) {
        const auto sum = y.row(t);
        std::ranges::fill(sum, 0.0F);
        for (auto i = begin_[t]; i < begin_[t + 1]; ++i) {
          const std::int64_t slot = slots_of_token_[i];
          const float weight = probability_[slot / takes_ * tokens_ + t];
          const auto row = expert_out.row(slot);
          for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += weight * row[j];
        }
      }
    });
  }

  static constexpr std::int64_t kTokensPerTask = 32;

  MoeShape shape_;
  ExpertChoice policy_;
  std::int64_t tokens_ = 0, takes_ = 0, rows_ = 0;  // of the last run
  std::vector<float> probability_;                  // [E, T]
  std::vector<std::int32_t> order_;                 // [E, T]
  std::vector<std::int32_t> token_;                 // [E, takes] -> token
  std::vector<std::int32_t> begin_;                 // [T + 1] into slots_of_token_
  std::vector<std::int32_t> slots_of_token_;        // [E * takes]
  std::vector<RowGroup> groups_;
  std::vector<float> input_, output_;  // [E * takes, H]
  ExpertFfn ffn_;
};

}  // namespace

extern constinit const StrategyInfo expert_choice{
    .name = "expert-choice",
    .backend = Backend::kCpu,
    .summary = "Each expert takes the tokens that like it most: even load, another function.",
    .policy = [](const Knobs& knobs) -> RoutingPolicy { return policy_of(knobs); },
    .unsupported = packed_dtypes,
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<ExpertChoiceStrategy>(); },
};

}  // namespace moe::cpu
