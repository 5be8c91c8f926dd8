#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/contract/strategy.h"

namespace moe {

// A whole decoder on the device of cuda_device(), with a strategy for its routed experts. The
// description is plain: spans over weights somebody else keeps until the model is made, row-major,
// [out, in] as published. Nothing of the model's family is known here.

struct FfnWeights {             // down( silu(gate x) * (up x) )
  std::int64_t width = 0;       // I; 0: there is none
  std::span<const float> gate;  // [I, H]
  std::span<const float> up;    // [I, H]
  std::span<const float> down;  // [H, I]
};

struct DecoderLayer {
  std::span<const float> input_norm;         // [H]
  std::span<const float> query, key, value;  // [heads * d, H], [kv_heads * d, H] twice
  std::span<const float> query_bias, key_bias, value_bias;  // all three, or none
  std::span<const float> output;                            // [H, heads * d]
  std::span<const float> post_attention_norm;               // [H]
  std::span<const float> router;                            // [E, H]; empty in a dense layer
  const ExpertWeights* experts = nullptr;                   // null in a dense layer
  FfnWeights ffn;                      // a dense layer's, or an expert that all tokens share
  std::span<const float> shared_gate;  // [H]: sigmoid(gate . y) weighs the shared expert
};

struct DecoderDescription {
  std::int64_t hidden = 0;    // H
  std::int64_t heads = 0;     // of queries
  std::int64_t kv_heads = 0;  // of keys and values
  std::int64_t head_dim = 0;  // d
  double rope_theta = 0;
  double norm_eps = 0;
  MoeShape experts;  // of every sparse layer; its tokens are those of the limits
  // The input: series of `channels` numbers a token, embedded as silu(embed_gate x) * (embed x);
  // or, where `channels` is 0, rows of a table of words.
  std::int64_t channels = 0;          // C
  std::span<const float> embed;       // [H, C], or [words, H]
  std::span<const float> embed_gate;  // [H, C], or empty
  std::vector<DecoderLayer> layers;
  std::span<const float> norm;                    // [H]
  std::vector<std::span<const float>> heads_out;  // each [out, H]: horizons, or the words' logits
};

struct DecoderLimits {
  std::int64_t batch = 0;     // sequences
  std::int64_t length = 0;    // tokens of one sequence, prompt and continuation: sizes the cache
  std::int64_t tokens = 0;    // the most of one pass, all sequences together
  DType dtype = DType::kF32;  // of the products: f32 or bf16. Routers multiply in f32
};

class DeviceModel {
 public:
  virtual ~DeviceModel() = default;

  // Forgets all sequences.
  virtual void clear() = 0;

  // The layers over the newest tokens of every sequence, sequence by sequence; the cache grows by
  // them. points: [B * S, C]; words: [B * S]; mask: [B * S], 0 is padding, empty is all ones.
  virtual void forward_points(std::span<const float> points,
                              std::span<const std::int64_t> mask) = 0;
  virtual void forward_words(std::span<const std::int64_t> words,
                             std::span<const std::int64_t> mask) = 0;

  // Of the last pass; each waits for the device.
  virtual std::vector<float> hidden() = 0;                          // [B * S, H], after the norm
  virtual std::vector<float> head(std::size_t which) = 0;           // [B * S, out]
  virtual std::vector<float> head_of_last(std::size_t which) = 0;   // [B, out]: newest tokens only
  virtual std::vector<float> router_logits(std::size_t layer) = 0;  // [B * S, E]
  virtual Dispatch dispatch(std::size_t layer) = 0;

  virtual std::int64_t device_bytes() const = 0;  // weights, cache and activations
};

// Throws UserError for what cannot be computed, with the reason; std::logic_error where this
// program was built without a device.
std::unique_ptr<DeviceModel> make_device_model(const DecoderDescription& decoder,
                                               const DecoderLimits& limits,
                                               const StrategyInfo& strategy);

}  // namespace moe
