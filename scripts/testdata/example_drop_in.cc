// The idea: serve the tokens one after another, straight from the definition
//   y_t = sum_k weight_tk * down_e(silu(gate_e x_t) * up_e x_t),   e = the k-th expert of token t.
// Nothing is grouped and every expert's weights are read again for each token, so it wins only when
// a batch holds a token or two. It is here as the smallest complete strategy:
// scripts/drop_in_test.py puts it into kernels/cpu and expects it to be built, listed, judged and
// measured.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "kernels/contract/strategy.h"

namespace moe::cpu {
namespace {

float dot(std::span<const float> a, const float* b) {
  return std::inner_product(a.begin(), a.end(), b, 0.0F);
}

class ExampleDropIn final : public Strategy {
 public:
  void prepare(const Layer& layer) override {
    layer_ = layer;
    const auto tokens = static_cast<std::size_t>(layer.shape.tokens);
    const auto top_k = static_cast<std::size_t>(layer.shape.top_k);
    order_.resize(static_cast<std::size_t>(layer.shape.experts));
    inner_.resize(static_cast<std::size_t>(layer.shape.ffn));
    routing_.offsets.reserve(tokens + 1);
    routing_.expert.reserve(tokens * top_k);
    routing_.weight.reserve(tokens * top_k);
  }

  void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) override {
    clock.enter("route");
    routing_.offsets.assign(1, 0);
    routing_.expert.clear();
    routing_.weight.clear();
    for (std::int64_t t = 0; t < batch.x.rows; ++t) choose(batch.logits.row(t));

    clock.enter("experts");
    for (std::int64_t t = 0; t < batch.x.rows; ++t) {
      std::ranges::fill(y.row(t), 0.0F);
      const auto row = static_cast<std::size_t>(t);
      for (std::int32_t i = routing_.offsets[row]; i < routing_.offsets[row + 1]; ++i) {
        const auto slot = static_cast<std::size_t>(i);
        add_expert(routing_.expert[slot], routing_.weight[slot], batch.x.row(t), y.row(t));
      }
    }
  }

  Dispatch read_back() override {
    return {.routing = routing_, .rows_computed = routing_.assignments()};
  }

  std::int64_t workspace_bytes() const override {
    return static_cast<std::int64_t>(inner_.size() * sizeof(float) +
                                     order_.size() * sizeof(std::int32_t));
  }

 private:
  // The top K of one token, best first, equal ones by ascending expert; softmax over the chosen K
  // or over all E.
  void choose(std::span<const float> logits) {
    const auto logit = [&](std::int32_t e) { return logits[static_cast<std::size_t>(e)]; };
    const std::int64_t top_k = layer_.shape.top_k;
    std::iota(order_.begin(), order_.end(), 0);
    std::partial_sort(order_.begin(), order_.begin() + top_k, order_.end(),
                      [&](std::int32_t a, std::int32_t b) {
                        return logit(a) > logit(b) || (logit(a) == logit(b) && a < b);
                      });
    const float highest = logit(order_[0]);
    const auto normalized_over = layer_.shape.renormalize ? top_k : layer_.shape.experts;
    float sum = 0;
    for (std::int64_t i = 0; i < normalized_over; ++i) {
      sum += std::exp(logit(order_[static_cast<std::size_t>(i)]) - highest);
    }
    for (std::int64_t i = 0; i < top_k; ++i) {
      const std::int32_t expert = order_[static_cast<std::size_t>(i)];
      routing_.expert.push_back(expert);
      routing_.weight.push_back(std::exp(logit(expert) - highest) / sum);
    }
    routing_.offsets.push_back(static_cast<std::int32_t>(routing_.expert.size()));
  }

  // y [H] += weight * down(silu(gate x) * up x) of one expert and one token x [H].
  void add_expert(std::int32_t expert, float weight, std::span<const float> x, std::span<float> y) {
    const std::int64_t hidden = layer_.shape.hidden;
    const std::int64_t ffn = layer_.shape.ffn;
    const std::int64_t first = expert * ffn * hidden;
    const float* gate = layer_.weights->gate.data() + first;  // [F, H]
    const float* up = layer_.weights->up.data() + first;      // [F, H]
    const float* down = layer_.weights->down.data() + first;  // [H, F]
    for (std::int64_t f = 0; f < ffn; ++f) {
      const float g = dot(x, gate + f * hidden);
      inner_[static_cast<std::size_t>(f)] = g / (1.0F + std::exp(-g)) * dot(x, up + f * hidden);
    }
    for (std::int64_t h = 0; h < hidden; ++h) {
      y[static_cast<std::size_t>(h)] += weight * dot(inner_, down + h * ffn);
    }
  }

  Layer layer_;
  std::vector<std::int32_t> order_;  // [E]: experts, best first, of the token at hand
  std::vector<float> inner_;         // [F]: silu(gate x) * up x
  Routing routing_;
};

}  // namespace

extern const StrategyInfo example_drop_in = {
    .name = "example-drop-in",
    .backend = Backend::kCpu,
    .summary = "Serves the tokens one after another, straight from the definition.",
    .policy = [](const Knobs&) -> RoutingPolicy { return TokenChoice{}; },
    .unsupported = [](const MoeShape& shape) -> std::optional<std::string> {
      if (shape.dtype != DType::kF32) return "only f32";
      return std::nullopt;
    },
    .make = []() -> std::unique_ptr<Strategy> { return std::make_unique<ExampleDropIn>(); },
};

}  // namespace moe::cpu
