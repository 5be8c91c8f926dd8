#include <algorithm>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/model/rotary.h"

namespace moe::cuda {
namespace {

constexpr int kThreads = 128;

__device__ __forceinline__ float2 sum(float2 a, float2 b) { return {a.x + b.x, a.y + b.y}; }

// A block a token; a thread two neighbouring pairs of one head at a time.
__global__ void __launch_bounds__(kThreads) rotate_and_keep_kernel(RotateAndKeep p) {
  const std::int64_t t = blockIdx.x;
  const int d = p.head_dim, quarter = d / 4;
  const int all_heads = p.heads + 2 * p.kv_heads;
  const std::int64_t b = t / p.steps;
  const std::int64_t place = p.past + t % p.steps;
  const std::int64_t angle = static_cast<std::int64_t>(p.positions[t]) * (d / 2);
  float* row = p.qkv + t * all_heads * d;

  for (int i = static_cast<int>(threadIdx.x); i < all_heads * quarter; i += kThreads) {
    const int head = i / quarter;
    const int low = i % quarter * 2;  // of the head's first half
    const int at = head * d + low;
    float2 first = *reinterpret_cast<const float2*>(row + at);
    float2 second = *reinterpret_cast<const float2*>(row + at + d / 2);
    if (p.bias != nullptr) {
      first = sum(first, *reinterpret_cast<const float2*>(p.bias + at));
      second = sum(second, *reinterpret_cast<const float2*>(p.bias + at + d / 2));
    }
    const bool is_value = head >= p.heads + p.kv_heads;
    if (!is_value) {
      const float2 c = *reinterpret_cast<const float2*>(p.cosines + angle + low);
      const float2 s = *reinterpret_cast<const float2*>(p.sines + angle + low);
      const float2 a = first, z = second;
      first = {a.x * c.x - z.x * s.x, a.y * c.y - z.y * s.y};
      second = {z.x * c.x + a.x * s.x, z.y * c.y + a.y * s.y};
    }
    float* to = row + head * d;
    if (head >= p.heads) {
      const int kv_head = (head - p.heads) % p.kv_heads;
      to = (is_value ? p.cache.values : p.cache.keys) +
           ((b * p.kv_heads + kv_head) * p.cache.capacity + place) * d;
    }
    *reinterpret_cast<float2*>(to + low) = first;
    *reinterpret_cast<float2*>(to + low + d / 2) = second;
  }
}

}  // namespace

void rotate_and_keep(const RotateAndKeep& problem, cudaStream_t stream) {
  const auto tokens = static_cast<unsigned>(problem.batch * problem.steps);
  rotate_and_keep_kernel<<<tokens, kThreads, 0, stream>>>(problem);
  check_launch();
}

}  // namespace moe::cuda
