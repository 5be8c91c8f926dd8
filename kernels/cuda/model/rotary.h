// Queries, keys and values as the attention wants them: biased, turned by their positions, and the
// latter two in the cache.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

namespace moe::cuda {

// What a layer remembers: [B, kv_heads, capacity, d], keys after their rotation.
struct KeyValues {
  float* keys = nullptr;
  float* values = nullptr;
  std::int64_t capacity = 0;
};

// Turns the pairs (i, i + d/2) of every query and key head by the angle of the token's position and
// of i. The tables hold cosines and sines of all angles, [positions, d/2], made in double on the
// host: a float angle of position 30000 has lost four digits.
struct RotateAndKeep {
  float* qkv = nullptr;         // [B * S, (heads + 2 kv_heads) * d]: q is turned in place
  const float* bias = nullptr;  // [(heads + 2 kv_heads) * d], or null
  const std::int32_t* positions = nullptr;  // [B * S]
  const float* cosines = nullptr;
  const float* sines = nullptr;
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;  // d, a multiple of 4
  int batch = 0;
  std::int64_t steps = 0;  // S
  std::int64_t past = 0;   // tokens in the cache already: the new ones stand behind them
  KeyValues cache;
};
void rotate_and_keep(const RotateAndKeep& problem, cudaStream_t stream);

}  // namespace moe::cuda
