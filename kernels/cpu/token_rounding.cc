// Token choice with counts rounded to whole tiles (SonicMoE, arXiv 2512.14080): no kernel call
// multiplies fewer rows than it could. Another function than token choice: an expert leaves out
// some of those that chose it, or takes some that did not, at most half a tile of either; and whom
// depends on tokens that come after, so this is for training and prefill.
#include <algorithm>
#include <cmath>

#include "kernels/common/slots.h"
#include "kernels/cpu/detail/expert_ffn.h"
#include "kernels/cpu/detail/parallel.h"
#include "kernels/cpu/detail/supports.h"
#include "kernels/cpu/detail/top_k.h"

namespace moe::cpu {
namespace {

class TokenRoundingStrategy final : public Strategy {
 public:
  void prepare(const Layer& layer) override {
    shape_ = layer.shape;
    const std::int64_t most = most_rows(shape_);
    const auto pairs = static_cast<std::size_t>(shape_.tokens * shape_.experts);
    top_.reserve(shape_);
    slots_.of_assignment.resize(static_cast<std::size_t>(shape_.tokens * shape_.top_k));
    slots_.token.resize(slots_.of_assignment.size());
    slots_.begin.resize(static_cast<std::size_t>(shape_.experts) + 1);
    liking_.resize(pairs);
    order_.resize(pairs);
    denominator_.resize(static_cast<std::size_t>(shape_.tokens));
    token_.reserve(static_cast<std::size_t>(most));
    weight_.reserve(static_cast<std::size_t>(most));
    groups_.reserve(static_cast<std::size_t>(shape_.experts));
    ffn_.prepare(shape_, *layer.weights, most);
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    tokens_ = batch.x.rows;
    clock.enter("route");
    top_.select(shape_, batch.logits);
    parallel_for(blocks_of(tokens_, kTokensPerTask), [&](std::int64_t block) {
      const std::int64_t end = std::min(tokens_, (block + 1) * kTokensPerTask);
      for (std::int64_t t = block * kTokensPerTask; t < end; ++t) score(batch.logits.row(t), t);
    });
    clock.enter("group");
    const auto chosen = static_cast<std::size_t>(tokens_ * shape_.top_k);
    place_by_expert({top_.expert.data(), chosen}, shape_.top_k, shape_.experts, slots_);
    parallel_for(shape_.experts, [&](std::int64_t e) { order(e); });
    list(batch.logits);
    clock.enter("experts");
    ffn_.run(groups_, {batch.x, token_}, {token_, weight_, y});
  }

  Dispatch read_back() override {
    std::vector<std::vector<std::pair<float, std::int32_t>>> rows(
        static_cast<std::size_t>(tokens_));  // heavier first, then the lower expert
    for (const RowGroup& g : groups_) {
      for (std::int64_t i = g.begin; i < g.begin + g.rows; ++i) {
        rows[token_[i]].emplace_back(-weight_[i], g.expert);
      }
    }
    Routing r{{0}, {}, {}};
    for (auto& row : rows) {
      std::ranges::sort(row);
      for (const auto& [negative, e] : row) {
        r.expert.push_back(e);
        r.weight.push_back(-negative);
      }
      r.offsets.push_back(static_cast<std::int32_t>(r.expert.size()));
    }
    return {r, std::ssize(token_)};
  }

  std::int64_t workspace_bytes() const override {
    return ffn_.workspace_bytes() +
           static_cast<std::int64_t>((liking_.size() + order_.size() + denominator_.size() +
                                      token_.capacity() + weight_.capacity()) *
                                     4) +
           shape_.tokens * shape_.top_k * 16;
  }

 private:
  // Every expert may round up by less than a tile.
  static std::int64_t most_rows(const MoeShape& s) {
    const std::int64_t up = s.experts * TokenRounding{}.tile;
    return std::min(s.tokens * s.top_k + up, s.tokens * s.experts);
  }

  // liking_[e, t]: softmax over the experts, by expert for the choice that follows.
  void score(std::span<const float> g, std::int64_t t) {
    softmax_by_expert(g, liking_.data() + t, tokens_);
    const std::int32_t* const chosen = top_.expert.data() + t * shape_.top_k;
    float sum = 0;
    if (shape_.renormalize) {
      for (std::int64_t k = 0; k < shape_.top_k; ++k) sum += std::exp(g[chosen[k]] - g[chosen[0]]);
    } else {
      for (const float other : g) sum += std::exp(other - g[chosen[0]]);
    }
    denominator_[t] = sum;
  }

  std::int64_t chose(std::int64_t e) const { return slots_.begin[e + 1] - slots_.begin[e]; }

  // order_[e, 0 ..]: first the tokens that expert e takes, in token order.
  void order(std::int64_t e) {
    const float* p = liking_.data() + e * tokens_;
    const auto own = slots_.token.begin() + slots_.begin[e];
    const auto to = order_.begin() + e * tokens_;
    const std::int64_t count = chose(e);
    const std::int64_t takes = rounded_count(TokenRounding{}, count, tokens_);
    const auto more_liking = [p](auto a, auto b) { return p[a] != p[b] ? p[a] > p[b] : a < b; };
    std::copy(own, own + count, to);
    if (takes < count) {
      std::nth_element(to, to + takes, to + count, more_liking);
    } else if (takes > count) {
      auto end = to + count;  // the others, which stand between those that chose it
      auto next = own;
      for (std::int32_t t = 0; t < tokens_; ++t) {
        if (next != own + count && *next == t) {
          ++next;
        } else {
          *end++ = t;
        }
      }
      if (takes < tokens_) std::nth_element(to + count, to + takes, end, more_liking);
    }
    std::sort(to, to + takes);
  }

  void list(MatrixView<const float> logits) {
    token_.clear();
    weight_.clear();
    groups_.clear();
    for (std::int32_t e = 0; e < shape_.experts; ++e) {
      const std::int64_t takes = rounded_count(TokenRounding{}, chose(e), tokens_);
      groups_.push_back({e, std::ssize(token_), takes});
      for (std::int64_t i = 0; i < takes; ++i) {
        const std::int32_t t = order_[e * tokens_ + i];
        const auto g = logits.row(t);
        const float most = g[top_.expert[t * shape_.top_k]];
        token_.push_back(t);
        weight_.push_back(std::exp(g[e] - most) / denominator_[t]);
      }
    }
  }

  static constexpr std::int64_t kTokensPerTask = 32;

  MoeShape shape_;
  std::int64_t tokens_ = 0;  // of the last run
  TopK top_;
  Slots slots_;                      // of token choice
  std::vector<float> liking_;        // [E, T]
  std::vector<std::int32_t> order_;  // [E, T]
  std::vector<float> denominator_;   // [T], of weights
  std::vector<std::int32_t> token_;  // by expert
  std::vector<float> weight_;        // by expert
  std::vector<RowGroup> groups_;
  ExpertFfn ffn_;
};

// With fewer tokens than half a tile nobody would get an expert.
std::optional<std::string> unsupported(const MoeShape& shape) {
  constexpr std::int64_t kTile = TokenRounding{}.tile;
  if (shape.tokens >= kTile) return packed_dtypes(shape);
  return "counts are rounded to tiles of " + std::to_string(kTile) + " tokens, and there are " +
         std::to_string(shape.tokens);
}

}  // namespace

extern constinit const StrategyInfo token_rounding{
    .name = "token-rounding",
    .backend = Backend::kCpu,
    .summary = "Counts rounded to whole tiles of rows: no kernel half empty, another function.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenRounding{}; },
    .unsupported = unsupported,
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<TokenRoundingStrategy>(); },
};

}  // namespace moe::cpu
