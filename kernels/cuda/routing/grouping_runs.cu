// Counting sort over runs of assignments, one a block: the first launch counts the experts of each
// run; in the second every block adds up what stands before its own run, and places it. The sums
// are made by all blocks again, which costs less than a launch between the two.
#include <algorithm>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/dynamic_shared.h"
#include "kernels/cuda/routing/grouping_kernels.h"
#include "kernels/cuda/routing/segments.cuh"

namespace moe::cuda {
namespace {

constexpr int kThreads = 1024;             // at least as many as experts
constexpr std::int64_t kWorthARun = 4096;  // four steps of each warp

__device__ Segment run_of_block(const GroupingProblem& p) {
  return part_of({0, p.assignments}, static_cast<int>(blockIdx.x), static_cast<int>(gridDim.x));
}

__device__ void count_segment(const GroupingProblem& p, Segment segment, std::int32_t* count) {
  walk(
      segment, [&](std::int64_t i) { return p.expert[i]; },
      [&](std::int64_t, std::int32_t e) {
        if (e >= 0) atomicAdd(&count[e], 1);
      });
}

// table[run, e]: how many assignments of the run go to expert e.
__global__ void __launch_bounds__(kThreads, 1)
    count_runs(const GroupingProblem p, std::int32_t* __restrict__ table) {
  __shared__ std::int32_t count[kThreads];
  const int e = static_cast<int>(threadIdx.x);
  count[e] = 0;
  __syncthreads();
  count_segment(p, part_of(run_of_block(p), warp_of_thread(), warps_of_block()), count);
  __syncthreads();
  if (e < p.experts) table[static_cast<std::int64_t>(blockIdx.x) * p.experts + e] = count[e];
}

// total[e] over all runs, base[e] over those before this block's. Both begin as zeros.
__device__ void add_up_runs(const std::int32_t* __restrict__ table, int experts, std::int32_t* base,
                            std::int32_t* total) {
  const int threads_a_run = (experts + 31) / 32 * 32;
  const int lists = kThreads / threads_a_run;  // runs that are read at once
  const int e = static_cast<int>(threadIdx.x) % threads_a_run;
  const int list = static_cast<int>(threadIdx.x) / threads_a_run;
  if (list >= lists || e >= experts) return;
  const int runs = static_cast<int>(gridDim.x), own = static_cast<int>(blockIdx.x);
  std::int32_t all = 0, before = 0;
#pragma unroll 4
  for (int run = list; run < runs; run += lists) {
    const std::int32_t count = table[static_cast<std::int64_t>(run) * experts + e];
    all += count;
    before += run < own ? count : 0;
  }
  atomicAdd(&total[e], all);
  atomicAdd(&base[e], before);
}

// Where this block's part of each expert begins: base[e]. The first block tells everyone's.
__device__ void find_bases(const GroupingProblem& p, const std::int32_t* table, std::int32_t* base,
                           std::int32_t* total) {
  __shared__ std::int32_t scratch[32];
  const int e = static_cast<int>(threadIdx.x);
  base[e] = total[e] = 0;
  __syncthreads();
  if (gridDim.x == 1) {
    count_segment(p, part_of(run_of_block(p), warp_of_thread(), warps_of_block()), total);
  } else {
    add_up_runs(table, p.experts, base, total);
  }
  __syncthreads();
  const PrefixSum sum = block_prefix_sum(total[e], scratch);
  base[e] += sum.before;
  if (blockIdx.x == 0 && e < p.experts) {
    p.slots.begin[e] = sum.before;
    p.slots.count[e] = total[e];
    if (e == 0) p.slots.begin[p.experts] = sum.total;
  }
  __syncthreads();
}

__device__ void put(const GroupingProblem& p, std::int64_t i, std::int32_t slot) {
  p.slots.of_assignment[i] = slot;
  p.slots.token[slot] = static_cast<std::int32_t>(static_cast<std::uint32_t>(i) /
                                                  static_cast<std::uint32_t>(p.top_k));
}

// Shared memory, where stable: the counters of the warps.
template <bool kStable>
__global__ void __launch_bounds__(kThreads, 1)
    place_runs(const GroupingProblem p, const std::int32_t* __restrict__ table) {
  extern __shared__ std::int32_t shared[];
  __shared__ std::int32_t base[kThreads], total[kThreads];
  find_bases(p, table, base, total);
  const Segment mine = part_of(run_of_block(p), warp_of_thread(), warps_of_block());
  const auto key = [&](std::int64_t i) { return p.expert[i]; };
  if constexpr (kStable) {
    const WarpCounts counts = {shared, p.experts};
    std::int32_t* const next = counts.row(warp_of_thread());
    counts.clear();
    __syncthreads();
    count_segment(p, mine, next);
    __syncthreads();
    counts.sum_over_warps(total);
    __syncthreads();
    walk(mine, key, [&](std::int64_t i, std::int32_t e) {
      const std::int32_t place = take_place(next, e);
      if (e >= 0) put(p, i, base[e] + place);
    });
  } else {
    walk(mine, key, [&](std::int64_t i, std::int32_t e) {
      if (e >= 0) put(p, i, atomicAdd(&base[e], 1));
    });
  }
}

}  // namespace

int runs_of(std::int64_t assignments) {
  return static_cast<int>(std::clamp<std::int64_t>(assignments / kWorthARun, 1, kMostRuns));
}

std::int64_t runs_workspace_bytes(std::int64_t most_assignments, int experts) {
  const int runs = runs_of(most_assignments);
  return runs == 1 ? 0 : std::int64_t{4} * runs * experts;
}

void sort_by_runs(const GroupingProblem& problem, int runs, bool stable, std::int32_t* workspace,
                  cudaStream_t stream) {
  static const bool allowed = [] {
    allow_shared_bytes(place_runs<true>, 4 * WarpCounts::size(kThreads, kThreads / 32));
    return true;
  }();
  static_cast<void>(allowed);
  if (runs > 1) {
    count_runs<<<runs, kThreads, 0, stream>>>(problem, workspace);
    check_launch();
  }
  if (stable) {
    const int bytes = 4 * WarpCounts::size(problem.experts, kThreads / 32);
    place_runs<true><<<runs, kThreads, bytes, stream>>>(problem, workspace);
  } else {
    place_runs<false><<<runs, kThreads, 0, stream>>>(problem, workspace);
  }
  check_launch();
}

}  // namespace moe::cuda
