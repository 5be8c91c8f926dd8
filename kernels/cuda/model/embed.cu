#include <algorithm>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/numbers.cuh"
#include "kernels/cuda/model/embed.h"

namespace moe::cuda {
namespace {

constexpr int kThreads = 128;

// A block a token: the points are few, the weights come from the L2 after the first token.
__global__ void __launch_bounds__(kThreads) embed_points_kernel(EmbedPoints p) {
  const std::int64_t t = blockIdx.x;
  const float* x = p.points + t * p.channels;
  for (std::int64_t i = threadIdx.x; i < p.hidden; i += blockDim.x) {
    float gate = 0.0f, value = 0.0f;
    for (std::int64_t c = 0; c < p.channels; ++c) {
      gate += p.gate[i * p.channels + c] * x[c];
      value += p.value[i * p.channels + c] * x[c];
    }
    p.h[t * p.hidden + i] = swiglu(gate, value);
  }
}

__global__ void __launch_bounds__(kThreads) embed_words_kernel(EmbedWords p) {
  const std::int64_t pieces = p.hidden / 4;
  const float4* from = reinterpret_cast<const float4*>(p.table) + p.words[blockIdx.x] * pieces;
  float4* to = reinterpret_cast<float4*>(p.h) + blockIdx.x * pieces;
  for (std::int64_t i = threadIdx.x; i < pieces; i += blockDim.x) to[i] = from[i];
}

}  // namespace

void embed_points(const EmbedPoints& problem, cudaStream_t stream) {
  embed_points_kernel<<<static_cast<unsigned>(problem.tokens), kThreads, 0, stream>>>(problem);
  check_launch();
}

void embed_words(const EmbedWords& problem, cudaStream_t stream) {
  embed_words_kernel<<<static_cast<unsigned>(problem.tokens), kThreads, 0, stream>>>(problem);
  check_launch();
}

}  // namespace moe::cuda
