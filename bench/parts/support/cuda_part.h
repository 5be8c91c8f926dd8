// For benchmarks of single CUDA stages: a layer's routing on the device, and time from its events.
#pragma once
#include <benchmark/benchmark.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/shapes.h"
#include "kernels/cuda/detail/buffer.h"
#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/routing/routing.h"

namespace moe::bench {

inline constexpr const char* kCudaShapes[] = {"time-moe-50m", "mixtral-8x7b", "qwen3-30b-a3b"};
inline constexpr std::int64_t kCudaTokens[] = {1, 64, 1024, 8192};

// Calls `body` unless there is no device: then, and where it throws, the benchmark reports why.
void on_device(benchmark::State& state, const std::function<void()>& body);

// The device's time of one run of `enqueue`, whose memory stays in its caches from run to run: many
// runs in one graph between two events, so that the speed of launching is not part of it.
void time_on_device(benchmark::State& state, const std::function<void(cudaStream_t)>& enqueue);

// tokens/s and bytes/s; `bytes`: what a run has to move at least.
void report_on_device(benchmark::State& state, std::int64_t tokens, double bytes, double flops = 0);

// Fills device memory with numbers of 16 bits in [1, 2) as bf16; as f32 and e4m3 they are harmless
// too.
void fill(void* memory, std::int64_t bytes);

// Registers `name/shape/T=tokens` for all shapes and token counts.
using Part = std::function<void(benchmark::State&, const MoeShape&)>;
void register_part(const std::string& name, const Part& part);
int run_parts(int argc, char** argv);

template <class T>
cuda::Buffer<T> upload(const std::vector<T>& values) {
  cuda::Buffer<T> buffer(static_cast<std::int64_t>(values.size()));
  if (buffer.count() > 0) {
    cuda::copy_to_device(buffer.data(), values.data(), static_cast<std::size_t>(buffer.bytes()));
  }
  return buffer;
}

// Random logits (seeded, normal), and what routing makes of them.
class RoutedLayer {
 public:
  explicit RoutedLayer(const MoeShape& shape);

  cuda::TopK top_k() const;
  cuda::Slots slots() const;
  const MoeShape& shape() const { return shape_; }
  std::int64_t assignments() const { return shape_.tokens * shape_.top_k; }
  int experts() const { return static_cast<int>(shape_.experts); }
  int choices() const { return static_cast<int>(shape_.top_k); }
  const float* logits() const { return logits_.data(); }
  const std::int32_t* expert() const { return expert_.data(); }
  const float* weight() const { return weight_.data(); }
  int experts_hit() const { return experts_hit_; }

 private:
  MoeShape shape_;
  cuda::Buffer<float> logits_, weight_;
  cuda::Buffer<std::int32_t> expert_, of_assignment_, token_, begin_, count_;
  int experts_hit_ = 0;
};

}  // namespace moe::bench
