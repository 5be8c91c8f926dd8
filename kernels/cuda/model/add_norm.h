// The residual stream: what the last block computed is added, and the sum is normalised for the
// next block, in one pass over the rows.
#pragma once
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace moe::cuda {

// h[t] += added[t] + sigmoid(shared_logit[t]) * shared[t]
// y[t] = weight * h[t] / sqrt(mean(h[t]^2) + eps)
struct AddNorm {
  float* h = nullptr;                   // [T, H]
  const float* added = nullptr;         // [T, H], or null: nothing
  const float* shared = nullptr;        // [T, H], or null: nothing
  const float* shared_logit = nullptr;  // [T] with a stride
  std::int64_t shared_logit_stride = 1;
  const float* weight = nullptr;  // [H]
  float eps = 0;
  std::int64_t tokens = 0;
  std::int64_t hidden = 0;       // a multiple of 4
  float* y = nullptr;            // [T, H]; rounded to bf16 where y16 is asked for
  __nv_bfloat16* y16 = nullptr;  // [T, H], the same numbers, or null
};
void add_norm(const AddNorm& problem, cudaStream_t stream);

}  // namespace moe::cuda
