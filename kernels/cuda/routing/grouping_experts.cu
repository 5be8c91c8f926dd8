// Counting sort in one launch: each block reads all assignments and places those of a few experts.
// What it needs to know of the others, the number of assignments to lower experts, it counts
// itself.
#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/dynamic_shared.h"
#include "kernels/cuda/routing/expert_blocks.h"
#include "kernels/cuda/routing/grouping_kernels.h"
#include "kernels/cuda/routing/segments.cuh"

namespace moe::cuda {
namespace {

// Counts into `own` what goes to the experts [first, first + width), and returns this warp's number
// of assignments to lower ones (in its first lane).
__device__ std::int32_t count_experts(Segment segment, const std::int32_t* expert, int first,
                                      int width, std::int32_t* own) {
  std::int32_t lower = 0;
  walk(
      segment, [&](std::int64_t i) { return expert[i]; },
      [&](std::int64_t, std::int32_t e) {
        if (e < 0) return;
        if (e < first) {
          ++lower;
        } else if (e - first < width) {
          atomicAdd(&own[e - first], 1);
        }
      });
  return __reduce_add_sync(kWholeWarp, lower);
}

// count[] and begin[] of this block's experts, from base[] after its sums were made.
__device__ void tell_groups(const GroupingProblem& p, int first, int width,
                            const std::int32_t* base, std::int32_t end) {
  for (int e = static_cast<int>(threadIdx.x); e < width; e += static_cast<int>(blockDim.x)) {
    p.slots.begin[first + e] = base[e];
    p.slots.count[first + e] = (e + 1 < width ? base[e + 1] : end) - base[e];
  }
  if (first + width == p.experts && threadIdx.x == 0) p.slots.begin[p.experts] = end;
}

// Shared memory: base[experts_a_block + 1], then the counters of the warps.
__global__ void __launch_bounds__(1024, 1)
    place_experts(const GroupingProblem p, const int experts_a_block) {
  extern __shared__ std::int32_t shared[];
  __shared__ std::int32_t scratch[32];
  __shared__ std::int32_t lower;
  const int first = static_cast<int>(blockIdx.x) * experts_a_block;
  const int width = min(experts_a_block, p.experts - first);
  std::int32_t* const base = shared;
  const WarpCounts counts = {shared + experts_a_block + 1, width};
  counts.clear();
  if (threadIdx.x == 0) lower = base[width] = 0;
  __syncthreads();

  const Segment mine = part_of({0, p.assignments}, warp_of_thread(), warps_of_block());
  std::int32_t* const next = counts.row(warp_of_thread());
  const std::int32_t below = count_experts(mine, p.expert, first, width, next);
  if (lane_of_thread() == 0) atomicAdd(&lower, below);
  __syncthreads();
  counts.sum_over_warps(base);
  __syncthreads();
  make_exclusive_sums(base, width + 1, lower, scratch);
  tell_groups(p, first, width, base, base[width]);

  const auto column = [&](std::int64_t i) {
    const std::int32_t e = p.expert[i] - first;
    return e >= 0 && e < width ? e : -1;
  };
  walk(mine, column, [&](std::int64_t i, std::int32_t e) {
    if (!__any_sync(kWholeWarp, e >= 0)) return;
    const std::int32_t place = take_place(next, e);
    if (e < 0) return;
    const std::int32_t slot = base[e] + place;
    p.slots.of_assignment[i] = slot;
    p.slots.token[slot] = static_cast<std::int32_t>(static_cast<std::uint32_t>(i) /
                                                    static_cast<std::uint32_t>(p.top_k));
  });
}

constexpr int shared_bytes(int experts_a_block, int warps) {
  return 4 * (experts_a_block + 1 + WarpCounts::size(experts_a_block, warps));
}

}  // namespace

void sort_by_experts(const GroupingProblem& problem, cudaStream_t stream) {
  static const bool allowed = [] {
    allow_shared_bytes(place_experts, shared_bytes(1024, 32));
    return true;
  }();
  static_cast<void>(allowed);
  const ExpertBlocks cut = expert_blocks(problem.assignments, problem.experts);
  place_experts<<<cut.blocks, cut.threads, shared_bytes(cut.experts_a_block, cut.threads / 32),
                  stream>>>(problem, cut.experts_a_block);
  check_launch();
}

}  // namespace moe::cuda
