// Expert buffers of fixed height. The order that decides who is dropped is that of the choices,
// then of the tokens, so position i of the walk is assignment (i mod T) * K + i / T.
#include <algorithm>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/dynamic_shared.h"
#include "kernels/cuda/routing/expert_blocks.h"
#include "kernels/cuda/routing/routing.h"
#include "kernels/cuda/routing/segments.cuh"

namespace moe::cuda {
namespace {

struct Placement {
  const std::int32_t* expert;  // [T * K]
  std::int64_t tokens;
  int top_k;
  int experts, experts_a_block;
  std::int64_t height;
  Slots slots;
};

struct Choice {
  std::int64_t assignment;
  std::int32_t token;
};

__device__ __forceinline__ Choice choice_at(const Placement& p, std::int64_t i) {
  const auto position = static_cast<std::uint32_t>(i),
             tokens = static_cast<std::uint32_t>(p.tokens);
  const std::uint32_t choice = position / tokens, token = position - choice * tokens;
  return {static_cast<std::int64_t>(token) * p.top_k + choice, static_cast<std::int32_t>(token)};
}

// What this block's experts leave free is marked so; how much they took is told.
__device__ void finish_experts(const Placement& p, int first, int width,
                               const std::int32_t* wanted) {
  for (int e = warp_of_thread(); e < width; e += warps_of_block()) {
    const auto used = min(static_cast<std::int64_t>(wanted[e]), p.height);
    if (lane_of_thread() == 0) p.slots.count[first + e] = static_cast<std::int32_t>(used);
    std::int32_t* const token = p.slots.token + (first + e) * p.height;
    for (std::int64_t i = used + lane_of_thread(); i < p.height; i += 32) token[i] = -1;
  }
}

// Shared memory: wanted[width], then the counters of the warps.
__global__ void __launch_bounds__(1024, 1) place_capped(const Placement p) {
  extern __shared__ std::int32_t shared[];
  const int first = static_cast<int>(blockIdx.x) * p.experts_a_block;
  const int width = min(p.experts_a_block, p.experts - first);
  const WarpCounts counts = {shared + p.experts_a_block, width};
  counts.clear();
  __syncthreads();

  const Segment mine = part_of({0, p.tokens * p.top_k}, warp_of_thread(), warps_of_block());
  std::int32_t* const next = counts.row(warp_of_thread());
  const auto column = [&](std::int64_t i) {
    const std::int32_t e = p.expert[choice_at(p, i).assignment] - first;
    return e >= 0 && e < width ? e : -1;
  };
  walk(mine, column, [&](std::int64_t, std::int32_t e) {
    if (e >= 0) atomicAdd(&next[e], 1);
  });
  __syncthreads();
  counts.sum_over_warps(shared);
  __syncthreads();

  walk(mine, column, [&](std::int64_t i, std::int32_t e) {
    if (!__any_sync(kWholeWarp, e >= 0)) return;
    const std::int64_t place = take_place(next, e);
    if (e < 0) return;
    const Choice choice = choice_at(p, i);
    const std::int64_t slot = place < p.height ? (first + e) * p.height + place : -1;
    p.slots.of_assignment[choice.assignment] = static_cast<std::int32_t>(slot);
    if (slot >= 0) p.slots.token[slot] = choice.token;
  });
  finish_experts(p, first, width, shared);
}

constexpr int shared_bytes(int experts_a_block, int warps) {
  return 4 * (experts_a_block + WarpCounts::size(experts_a_block, warps));
}

}  // namespace

void place_with_height(const std::int32_t* expert, std::int64_t tokens, int top_k, int experts,
                       std::int64_t height, const Slots& slots, cudaStream_t stream) {
  static const bool allowed = [] {
    allow_shared_bytes(place_capped, shared_bytes(1024, 32));
    return true;
  }();
  static_cast<void>(allowed);
  const std::int64_t written = experts * height / 4;  // stores need no ranks: four cost as one
  const ExpertBlocks cut = expert_blocks(std::max(tokens * top_k, written), experts);
  const Placement placement = {
      .expert = expert,
      .tokens = tokens,
      .top_k = top_k,
      .experts = experts,
      .experts_a_block = cut.experts_a_block,
      .height = height,
      .slots = slots,
  };
  place_capped<<<cut.blocks, cut.threads, shared_bytes(cut.experts_a_block, cut.threads / 32),
                 stream>>>(placement);
  check_launch();
}

}  // namespace moe::cuda
