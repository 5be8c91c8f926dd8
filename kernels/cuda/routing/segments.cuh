// Stable counting with no atomics between warps: each warp owns a run of consecutive assignments
// and its own row of counters. Once the rows are summed over the warps, every warp knows where its
// part of each expert begins and places its run alone, in order, without a barrier.
#pragma once
#include <cstdint>

#include "kernels/cuda/routing/block_sums.cuh"

namespace moe::cuda {

struct Segment {
  std::int64_t begin, end;
};

// Part `part` of `parts` of [begin, end), each a multiple of 32 long but the last ones.
__device__ __forceinline__ Segment part_of(Segment whole, int part, int parts) {
  const std::int64_t length = whole.end - whole.begin;
  const std::int64_t each = ((length + parts - 1) / parts + 31) / 32 * 32;
  const std::int64_t begin = min(whole.begin + part * each, whole.end);
  return {begin, min(begin + each, whole.end)};
}

// use(i, key(i)) for the positions of this warp's segment, in order, 32 at a time and by all lanes:
// those beyond the end get key -1. Four loads are in flight.
template <class Key, class Use>
__device__ __forceinline__ void walk(Segment segment, const Key& key, const Use& use) {
  constexpr int kInFlight = 4;
  const int lane = lane_of_thread();
  for (std::int64_t first = segment.begin; first < segment.end; first += 32 * kInFlight) {
    std::int32_t keys[kInFlight];
#pragma unroll
    for (int j = 0; j < kInFlight; ++j) {
      const std::int64_t i = first + 32 * j + lane;
      keys[j] = i < segment.end ? key(i) : -1;
    }
#pragma unroll
    for (int j = 0; j < kInFlight; ++j) {
      if (first + 32 * j < segment.end) use(first + 32 * j + lane, keys[j]);
    }
  }
}

// In shared memory: a row of `width` counters for each warp of the block. The odd distance between
// rows keeps a column free of bank conflicts.
struct WarpCounts {
  std::int32_t* counts;
  int width;

  static constexpr __host__ __device__ int stride(int width) { return width | 1; }
  static constexpr __host__ __device__ int size(int width, int warps) {
    return stride(width) * warps;
  }

  __device__ std::int32_t* row(int warp) const { return counts + warp * stride(width); }

  __device__ void clear() const {
    const int count = size(width, warps_of_block());
    for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x)) {
      counts[i] = 0;
    }
  }

  // Each counter becomes the sum of those of the warps before; total[column] the sum of all. Needs
  // a barrier before and after.
  __device__ void sum_over_warps(std::int32_t* total) const {
    const int lane = lane_of_thread(), warps = warps_of_block();
    for (int column = warp_of_thread(); column < width; column += warps) {
      const std::int32_t own = lane < warps ? row(lane)[column] : 0;
      const std::int32_t upto = warp_inclusive_sum(own);
      if (lane < warps) row(lane)[column] = upto - own;
      if (lane == 31) total[column] = upto;
    }
  }
};

// next[column]++ for each lane, lower lanes first; what it was before. By a whole warp, on counters
// no other warp touches; lanes with column -1 take no part.
__device__ __forceinline__ std::int32_t take_place(std::int32_t* next, std::int32_t column) {
  const unsigned same = __match_any_sync(kWholeWarp, column);
  const int rank = __popc(same & lanes_before(lane_of_thread()));
  const std::int32_t first = column >= 0 ? next[column] : 0;
  __syncwarp();
  if (column >= 0 && rank == 0) next[column] = first + __popc(same);
  __syncwarp();
  return first + rank;
}

}  // namespace moe::cuda
