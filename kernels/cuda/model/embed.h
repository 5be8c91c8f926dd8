// Tokens become rows of hidden state.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

namespace moe::cuda {

// h[t] = silu(gate x[t]) * (value x[t]): Time-MoE's embedding of the points of a series.
struct EmbedPoints {
  const float* points = nullptr;  // [T, C]
  const float* gate = nullptr;    // [H, C]
  const float* value = nullptr;   // [H, C]
  std::int64_t tokens = 0;
  std::int64_t channels = 0;
  std::int64_t hidden = 0;
  float* h = nullptr;  // [T, H]
};
void embed_points(const EmbedPoints& problem, cudaStream_t stream);

// h[t] = table[words[t]]
struct EmbedWords {
  const std::int32_t* words = nullptr;  // [T]
  const float* table = nullptr;         // [V, H]
  std::int64_t tokens = 0;
  std::int64_t hidden = 0;  // a multiple of 4
  float* h = nullptr;       // [T, H]
};
void embed_words(const EmbedWords& problem, cudaStream_t stream);

}  // namespace moe::cuda
