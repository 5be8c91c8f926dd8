// Causal attention over a cache, with fewer heads of keys than of queries.
#pragma once
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/model/rotary.h"

namespace moe::cuda {

inline constexpr int kMostHeadDim = 128;

// The S newest tokens of each sequence look at all visible keys up to their own. A token that sees
// none (padding on the left) takes the plain mean of all values, later ones too: the published
// models add the lowest finite number instead of -infinity.
struct Attention {
  const float* q = nullptr;  // [B * S, heads * d], sequence by sequence
  std::int64_t q_stride = 0;
  KeyValues cache;                              // with the keys and values of the new tokens
  const std::uint8_t* visible = nullptr;        // [B, capacity]: 0 is padding
  const std::int32_t* first_visible = nullptr;  // [B]: the first key that is; past + S where none
  int heads = 0;
  int kv_heads = 0;  // query head n reads n / (heads / kv_heads)
  int head_dim = 0;  // d, a multiple of 4, <= kMostHeadDim
  int batch = 0;
  std::int64_t steps = 0;  // S
  std::int64_t past = 0;   // keys before the newest tokens'
  float* out = nullptr;    // [B * S, heads * d]; one of the two
  __nv_bfloat16* out16 = nullptr;
};
void attention(const Attention& problem, cudaStream_t stream);

}  // namespace moe::cuda
