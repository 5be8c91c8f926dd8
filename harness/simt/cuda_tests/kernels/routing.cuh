// The kernels around an expert layer: choose the experts, count, order, gather and combine the
// rows.
#pragma once
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "harness/simt/cuda_tests/kernels/warp_sums.cuh"

namespace moe::simt::kernels {

// One warp a token: softmax over kExperts logits, the kTopK largest, their weights scaled to sum 1.
// Of equal ones the lower expert wins.
template <int kExperts, int kTopK>
__global__ void softmax_top_k(const float* __restrict__ logits, int tokens,
                              float* __restrict__ weights, int* __restrict__ experts) {
  constexpr int kPerLane = kExperts / 32;
  const int token = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x) / 32;
  const int lane = threadIdx.x % 32;
  if (token >= tokens) return;

  float p[kPerLane];
  float largest = -INFINITY;
  for (int i = 0; i < kPerLane; ++i) {
    p[i] = logits[token * kExperts + i * 32 + lane];
    largest = fmaxf(largest, p[i]);
  }
  largest = warp_max(largest);
  for (int i = 0; i < kPerLane; ++i) p[i] = expf(p[i] - largest);

  float chosen_sum = 0, my_weight = 0;
  int my_expert = 0;
  for (int k = 0; k < kTopK; ++k) {
    float best = -1;
    int best_expert = kExperts;
    for (int i = 0; i < kPerLane; ++i) {
      if (p[i] > best) {
        best = p[i];
        best_expert = i * 32 + lane;
      }
    }
    for (int step = 16; step > 0; step /= 2) {
      const float other = __shfl_xor_sync(kWholeWarp, best, step);
      const int other_expert = __shfl_xor_sync(kWholeWarp, best_expert, step);
      if (other > best || (other == best && other_expert < best_expert)) {
        best = other;
        best_expert = other_expert;
      }
    }
    chosen_sum += best;
    if (lane == k) {
      my_weight = best;
      my_expert = best_expert;
    }
    for (int i = 0; i < kPerLane; ++i) {
      if (i * 32 + lane == best_expert) p[i] = -1;  // taken
    }
  }
  if (lane < kTopK) {
    weights[token * kTopK + lane] = my_weight / chosen_sum;
    experts[token * kTopK + lane] = my_expert;
  }
}

// How many of ids[0, n) are 0, 1, ... kBins-1; counted in shared memory first.
template <int kBins>
__global__ void histogram(const int* __restrict__ ids, int n, int* __restrict__ counts) {
  __shared__ int mine[kBins];
  for (int bin = threadIdx.x; bin < kBins; bin += blockDim.x) mine[bin] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    atomicAdd(&mine[ids[i]], 1);
  }
  __syncthreads();
  for (int bin = threadIdx.x; bin < kBins; bin += blockDim.x) {
    if (mine[bin] != 0) atomicAdd(&counts[bin], mine[bin]);
  }
}

// A row for each (token, k): the lanes of one expert take a run of rows with one atomic.
__global__ void permute_index(const int* __restrict__ ids, int n, int* __restrict__ next_row,
                              int* __restrict__ row_of) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const int lane = threadIdx.x % 32;
  const int expert = i < n ? ids[i] : -1;
  unsigned waiting = __ballot_sync(kWholeWarp, i < n);
  while (waiting != 0) {
    const int leader = __ffs(static_cast<int>(waiting)) - 1;
    const int current = __shfl_sync(kWholeWarp, expert, leader);
    const unsigned same = __ballot_sync(kWholeWarp, expert == current);
    int first = 0;
    if (lane == leader) first = atomicAdd(&next_row[current], __popc(same));
    first = __shfl_sync(kWholeWarp, first, leader);
    if (expert == current) row_of[i] = first + __popc(same & ((1u << lane) - 1));
    waiting &= ~same;
  }
}

// gathered[row_of[t * kTopK + k]] = x[t], in 16-byte pieces. One block a token.
template <int kTopK>
__global__ void gather_rows(const __nv_bfloat16* __restrict__ x, const int* __restrict__ row_of,
                            int hidden, __nv_bfloat16* __restrict__ gathered) {
  const int pieces = hidden / 8;
  const auto* from = reinterpret_cast<const uint4*>(x) + blockIdx.x * pieces;
  for (int piece = threadIdx.x; piece < pieces; piece += blockDim.x) {
    const uint4 value = from[piece];
    for (int k = 0; k < kTopK; ++k) {
      reinterpret_cast<uint4*>(gathered)[row_of[blockIdx.x * kTopK + k] * pieces + piece] = value;
    }
  }
}

// out[r, i] = silu(h[r, i]) h[r, inner + i]
__global__ void swiglu(const __nv_bfloat162* __restrict__ h, int rows, int inner,
                       __nv_bfloat162* __restrict__ out) {
  const int pairs = inner / 2;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < rows * pairs;
       i += gridDim.x * blockDim.x) {
    const int row = i / pairs, pair = i % pairs;
    const float2 gate = __bfloat1622float2(h[row * 2 * pairs + pair]);
    const float2 up = __bfloat1622float2(h[row * 2 * pairs + pairs + pair]);
    out[i] = __floats2bfloat162_rn(gate.x / (1 + __expf(-gate.x)) * up.x,
                                   gate.y / (1 + __expf(-gate.y)) * up.y);
  }
}

// out[t] = sum over k of weights[t, k] y[row_of[t, k]]. One block a token.
template <int kTopK>
__global__ void combine(const float4* __restrict__ y, const int* __restrict__ row_of,
                        const float* __restrict__ weights, int hidden, float4* __restrict__ out) {
  const int pieces = hidden / 4;
  for (int piece = threadIdx.x; piece < pieces; piece += blockDim.x) {
    float4 sum{0, 0, 0, 0};
    for (int k = 0; k < kTopK; ++k) {
      const float weight = weights[blockIdx.x * kTopK + k];
      const float4 row = y[row_of[blockIdx.x * kTopK + k] * pieces + piece];
      sum.x += weight * row.x;
      sum.y += weight * row.y;
      sum.z += weight * row.z;
      sum.w += weight * row.w;
    }
    out[blockIdx.x * pieces + piece] = sum;
  }
}

}  // namespace moe::simt::kernels
