// A decoder's weights on the device, in the order in which its layers multiply by them.
#pragma once
#include <memory>
#include <vector>

#include "kernels/contract/device_model.h"
#include "kernels/cuda/model/linear.h"

namespace moe::cuda {

struct LayerWeights {
  Buffer<float> input_norm;
  DeviceMatrix query_key_value;  // [(heads + 2 kv_heads) * d, H]: one product for all three
  Buffer<float> query_key_value_bias;
  DeviceMatrix output;
  Buffer<float> post_attention_norm;
  DeviceMatrix router;  // f32, [E, H]; with a shared gate one row more, [E + 1, H]
  DeviceMatrix gate_up, down;
  bool has_shared_gate = false;
  std::unique_ptr<Strategy> experts;  // prepared; null in a dense layer

  bool has_ffn() const { return gate_up.rows > 0; }
};

struct ModelWeights {
  Buffer<float> embed, embed_gate;
  std::vector<LayerWeights> layers;
  Buffer<float> norm;
  std::vector<DeviceMatrix> heads;
  std::int64_t bytes = 0;  // without what the strategies hold
};

// Throws UserError where a size does not fit the others, or the kernels.
void check_decoder(const DecoderDescription& decoder, const DecoderLimits& limits);

// Matrices are rounded to the limits' dtype; norms, biases, routers and embeddings stay f32.
ModelWeights upload_model(const DecoderDescription& decoder, const DecoderLimits& limits,
                          const StrategyInfo& strategy);

}  // namespace moe::cuda
