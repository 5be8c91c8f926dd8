#include <algorithm>

#include "kernels/contract/error.h"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/model/activations.h"
#include "kernels/cuda/model/add_norm.h"
#include "kernels/cuda/model/attention.h"
#include "kernels/cuda/model/embed.h"
#include "kernels/cuda/model/model.h"
#include "kernels/cuda/model/rotary.h"
#include "kernels/cuda/model/sequences.h"
#include "kernels/cuda/model/weights.h"

namespace moe::cuda {
namespace {

class NoClock : public PhaseClock {
 public:
  void enter(std::string_view) override {}
};

// What the last block computed and nobody added to the residual stream yet: the next norm does.
struct Pending {
  const float* added = nullptr;
  const float* shared = nullptr;
  const float* shared_logit = nullptr;
};

template <class T>
void to_device(const Buffer<T>& to, const std::vector<T>& from) {
  check(cudaMemcpyAsync(to.data(), from.data(), from.size() * sizeof(T), cudaMemcpyHostToDevice,
                        stream()));
}

std::vector<float> to_host(const float* from, std::int64_t count) {
  std::vector<float> out(static_cast<std::size_t>(count));
  check(cudaMemcpyAsync(out.data(), from, out.size() * sizeof(float), cudaMemcpyDeviceToHost,
                        stream()));
  check(cudaStreamSynchronize(stream()));
  return out;
}

class Model final : public DeviceModel {
 public:
  Model(const DecoderDescription& d, const DecoderLimits& limits, const StrategyInfo& strategy)
      : shape_(d),
        limits_(limits),
        weights_(upload_model(d, limits, strategy)),
        in_(d, limits),
        sequences_(limits.batch, limits.length) {
    shape_.layers.clear();  // spans that need not live on
  }

  void clear() override { sequences_.clear(); }

  void forward_points(std::span<const float> points, std::span<const std::int64_t> mask) override {
    if (shape_.channels == 0) throw UserError("a model of words was given points");
    const auto numbers = static_cast<std::int64_t>(points.size());
    if (numbers % shape_.channels != 0) {
      throw UserError(std::to_string(numbers) + " numbers of a series, expected a multiple of " +
                      std::to_string(shape_.channels));
    }
    begin(numbers / shape_.channels, mask);
    to_device(in_.points, std::vector<float>(points.begin(), points.end()));
    embed_points({in_.points.data(), weights_.embed_gate.data(), weights_.embed.data(), tokens_,
                  shape_.channels, shape_.hidden, in_.h.data()},
                 stream());
    layers();
  }

  void forward_words(std::span<const std::int64_t> words,
                     std::span<const std::int64_t> mask) override {
    if (shape_.channels != 0) throw UserError("a model of series was given words");
    const std::int64_t known = weights_.embed.count() / shape_.hidden;
    for (const std::int64_t w : words) {
      if (w >= 0 && w < known) continue;
      throw UserError("word " + std::to_string(w) + ", expected one of 0 to " +
                      std::to_string(known - 1));
    }
    begin(static_cast<std::int64_t>(words.size()), mask);
    to_device(in_.words, std::vector<std::int32_t>(words.begin(), words.end()));
    embed_words({in_.words.data(), weights_.embed.data(), tokens_, shape_.hidden, in_.h.data()},
                stream());
    layers();
  }

  std::vector<float> hidden() override { return to_host(in_.y.data(), tokens_ * shape_.hidden); }

  std::vector<float> head(std::size_t which) override { return multiply_head(which, 1, tokens_); }

  std::vector<float> head_of_last(std::size_t which) override {
    return multiply_head(which, sequences_.steps(), limits_.batch);
  }

  std::vector<float> router_logits(std::size_t layer) override {
    const std::int64_t stride = logits_stride(shape_.experts), experts = shape_.experts.experts;
    if (!weights_.layers.at(layer).experts) return {};
    std::vector<float> out(static_cast<std::size_t>(tokens_ * experts));
    const std::size_t row = static_cast<std::size_t>(experts) * sizeof(float);
    check(cudaMemcpy2DAsync(out.data(), row, in_.router_logits[layer].data(),
                            static_cast<std::size_t>(stride) * sizeof(float), row,
                            static_cast<std::size_t>(tokens_), cudaMemcpyDeviceToHost, stream()));
    check(cudaStreamSynchronize(stream()));
    return out;
  }

  Dispatch dispatch(std::size_t layer) override {
    const auto& experts = weights_.layers.at(layer).experts;
    return experts ? experts->read_back() : Dispatch{};
  }

  std::int64_t device_bytes() const override {
    std::int64_t sum = weights_.bytes + in_.bytes();
    for (const LayerWeights& l : weights_.layers) {
      if (l.experts) sum += l.experts->workspace_bytes();
    }
    return sum;
  }

 private:
  bool is_bf16() const { return limits_.dtype == DType::kBf16; }
  int all_heads() const { return static_cast<int>(shape_.heads + 2 * shape_.kv_heads); }

  void begin(std::int64_t tokens, std::span<const std::int64_t> mask) {
    if (tokens > limits_.tokens) {
      throw UserError("a pass of " + std::to_string(tokens) + " tokens, expected at most " +
                      std::to_string(limits_.tokens));
    }
    sequences_.extend(tokens, mask);
    tokens_ = tokens;
    to_device(in_.group, std::vector<std::int32_t>{0, static_cast<std::int32_t>(tokens)});
    to_device(in_.positions, sequences_.positions());
    to_device(in_.first_visible, sequences_.first_visible());
    to_device(in_.visible, sequences_.visible());
  }

  // h += what is pending, and y = norm(h).
  void normalise(const Pending& pending, const Buffer<float>& weight) {
    add_norm({.h = in_.h.data(),
              .added = pending.added,
              .shared = pending.shared,
              .shared_logit = pending.shared_logit,
              .shared_logit_stride = logits_stride(shape_.experts),
              .weight = weight.data(),
              .eps = static_cast<float>(shape_.norm_eps),
              .tokens = tokens_,
              .hidden = shape_.hidden,
              .y = in_.y.data(),
              .y16 = in_.y16.data()},
             stream());
  }

  const void* normalised(DType dtype) const {
    return dtype == DType::kBf16 ? static_cast<const void*>(in_.y16.data()) : in_.y.data();
  }

  void multiply(const DeviceMatrix& w, const void* x, float* y, std::int64_t y_stride) {
    linear({.weights = &w,
            .x = x,
            .x_stride = w.columns,
            .tokens = tokens_,
            .group = in_.group.data(),
            .y = y,
            .y_stride = y_stride},
           stream());
  }

  void attend(const LayerWeights& w, std::size_t layer) {
    const KeyValues cache{in_.keys[layer].data(), in_.values[layer].data(), limits_.length};
    const std::int64_t width = static_cast<std::int64_t>(all_heads()) * shape_.head_dim;
    const int heads = static_cast<int>(shape_.heads), kv_heads = static_cast<int>(shape_.kv_heads);
    const int head_dim = static_cast<int>(shape_.head_dim), batch = static_cast<int>(limits_.batch);
    multiply(w.query_key_value, normalised(limits_.dtype), in_.qkv.data(), width);
    rotate_and_keep({in_.qkv.data(), w.query_key_value_bias.data(), in_.positions.data(),
                     in_.cosines.data(), in_.sines.data(), heads, kv_heads, head_dim, batch,
                     sequences_.steps(), sequences_.past(), cache},
                    stream());
    attention({in_.qkv.data(), width, cache, in_.visible.data(), in_.first_visible.data(), heads,
               kv_heads, head_dim, batch, sequences_.steps(), sequences_.past(), in_.mixed.data(),
               in_.mixed16.data()},
              stream());
    const void* mixed = is_bf16() ? static_cast<const void*>(in_.mixed16.data()) : in_.mixed.data();
    multiply(w.output, mixed, in_.block.data(), shape_.hidden);
  }

  // The experts of all tokens: silu(gate y) * (up y), then down.
  const float* dense(const LayerWeights& w) {
    void* inner = is_bf16() ? static_cast<void*>(in_.inner16.data()) : in_.inner.data();
    linear({.weights = &w.gate_up,
            .x = normalised(limits_.dtype),
            .x_stride = shape_.hidden,
            .tokens = tokens_,
            .group = in_.group.data(),
            .epilogue = Epilogue::kSwiglu,
            .y = inner,
            .y_type = limits_.dtype,
            .y_stride = w.down.columns},
           stream());
    multiply(w.down, inner, in_.block.data(), shape_.hidden);
    return in_.block.data();
  }

  Pending feed_forward(const LayerWeights& w, std::size_t layer) {
    if (!w.experts) return {.added = dense(w)};
    float* logits = in_.router_logits[layer].data();
    multiply(w.router, in_.y.data(), logits, logits_stride(shape_.experts));
    const std::int64_t h = shape_.hidden, e = shape_.experts.experts;
    Batch batch{.x = packed<const float>(in_.y.data(), tokens_, h),
                .logits = {logits, tokens_, e, logits_stride(shape_.experts)}};
    if (is_bf16()) {
      const auto* bits = reinterpret_cast<const std::uint16_t*>(in_.y16.data());
      batch.x16 = packed<const std::uint16_t>(bits, tokens_, h);
    }
    NoClock clock;
    w.experts->run(batch, packed(in_.routed.data(), tokens_, h), clock);
    Pending pending{.added = in_.routed.data()};
    if (w.has_ffn()) {
      pending.shared = dense(w);
      pending.shared_logit = logits + e;
    }
    return pending;
  }

  // a = h + Attention(norm(h)); h = a + FFN(norm(a)); at the end norm(h).
  void layers() {
    Pending pending;
    for (std::size_t l = 0; l < weights_.layers.size(); ++l) {
      const LayerWeights& w = weights_.layers[l];
      normalise(pending, w.input_norm);
      attend(w, l);
      normalise({.added = in_.block.data()}, w.post_attention_norm);
      pending = feed_forward(w, l);
    }
    normalise(pending, weights_.norm);
  }

  // Of every `every`-th token, counted from the end of the first `every`.
  std::vector<float> multiply_head(std::size_t which, std::int64_t every, std::int64_t rows) {
    const DeviceMatrix& w = weights_.heads.at(which);
    const std::int64_t first = (every - 1) * shape_.hidden;
    const void* x = is_bf16() ? static_cast<const void*>(in_.y16.data() + first)
                              : static_cast<const void*>(in_.y.data() + first);
    to_device(in_.group, std::vector<std::int32_t>{0, static_cast<std::int32_t>(rows)});
    linear({.weights = &w,
            .x = x,
            .x_stride = every * shape_.hidden,
            .tokens = rows,
            .group = in_.group.data(),
            .y = in_.head.data(),
            .y_stride = w.rows},
           stream());
    return to_host(in_.head.data(), rows * w.rows);
  }

  DecoderDescription shape_;  // sizes only
  DecoderLimits limits_;
  ModelWeights weights_;
  Activations in_;
  Sequences sequences_;
  std::int64_t tokens_ = 0;  // of the last pass
};

}  // namespace

std::unique_ptr<DeviceModel> make_model(const DecoderDescription& decoder,
                                        const DecoderLimits& limits, const StrategyInfo& strategy) {
  if (strategy.backend == Backend::kCpu) {
    throw UserError("strategy \"" + full_name(strategy) +
                    "\" runs on the CPU, expected one of the device");
  }
  check_decoder(decoder, limits);
  return std::make_unique<Model>(decoder, limits, strategy);
}

}  // namespace moe::cuda
