// What a pass through a decoder works in, allocated once for the largest pass, and its cache.
#pragma once
#include <cuda_bf16.h>

#include <vector>

#include "kernels/contract/device_model.h"
#include "kernels/cuda/detail/buffer.h"

namespace moe::cuda {

struct Activations {
  Buffer<float> points;                          // [T, C]
  Buffer<std::int32_t> group, positions, words;  // [2]: 0 and T; [T]; [T]
  Buffer<std::int32_t> first_visible;            // [B]
  Buffer<std::uint8_t> visible;                  // [B, capacity]
  Buffer<float> h, y;                            // [T, H]: the residual stream, and normalised
  Buffer<float> qkv;                             // [T, (heads + 2 kv_heads) d]
  Buffer<float> routed, block;                   // [T, H]: of the experts; of the other blocks
  Buffer<float> mixed, inner;                    // [T, heads d], [T, I], in f32
  Buffer<__nv_bfloat16> y16, mixed16, inner16;   // or in bf16, with y in both: inputs of products
  Buffer<float> head;                            // [T, out] of the widest head
  std::vector<Buffer<float>> router_logits;      // [layers] of [T, E + 1], rows logits_stride apart
  std::vector<Buffer<float>> keys, values;       // [layers] of [B, kv_heads, capacity, d]
  Buffer<float> cosines, sines;                  // [positions, d / 2]

  Activations(const DecoderDescription& decoder, const DecoderLimits& limits);
  std::int64_t bytes() const;
};

// The experts' logits and perhaps the shared expert's; rows begin at multiples of 16 bytes.
inline std::int64_t logits_stride(const MoeShape& experts) {
  return (experts.experts + 1 + 3) / 4 * 4;
}

}  // namespace moe::cuda
