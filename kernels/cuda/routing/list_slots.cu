// From slot -> token to token -> slots: a counting sort whose places are given out by atomics, and
// whose short lists are then put in order, so that the result is the same in every run.
#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/routing/routing.h"
#include "kernels/cuda/routing/segments.cuh"

namespace moe::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kListWarps = 4;
constexpr int kLongestList = 1024;  // a token has at most one slot of each expert

__global__ void __launch_bounds__(kThreads)
    count_slots(const std::int32_t* __restrict__ token, std::int64_t slots,
                std::int32_t* __restrict__ count) {
  const std::int64_t s = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (s < slots) atomicAdd(&count[token[s]], 1);
}

// One block: count[t] becomes the end of token t's list, and count[tokens] that of all.
__global__ void __launch_bounds__(1024, 1) sum_up_counts(std::int32_t* count, std::int64_t tokens) {
  __shared__ std::int32_t scratch[32];
  const Segment mine = part_of({0, tokens}, warp_of_thread(), warps_of_block());
  const auto key = [&](std::int64_t t) { return count[t]; };
  std::int32_t own = 0;
  walk(mine, key, [&](std::int64_t, std::int32_t n) { own += max(n, 0); });
  const PrefixSum sum = block_prefix_sum(own, scratch);
  std::int32_t before = __shfl_sync(kWholeWarp, sum.before, 0);
  walk(mine, key, [&](std::int64_t t, std::int32_t n) {
    const std::int32_t upto = before + warp_inclusive_sum(max(n, 0));
    if (n >= 0) count[t] = upto;
    before = __shfl_sync(kWholeWarp, upto, 31);
  });
  if (threadIdx.x == 0) count[tokens] = sum.total;
}

// Lists fill from their ends, so that end[t] is the beginning of list t when all are full.
__global__ void __launch_bounds__(kThreads)
    fill_lists(const std::int32_t* __restrict__ token, std::int64_t slots,
               std::int32_t* __restrict__ end, std::int32_t* __restrict__ slot_of) {
  const std::int64_t s = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (s < slots) slot_of[atomicSub(&end[token[s]], 1) - 1] = static_cast<std::int32_t>(s);
}

// A warp a list: an entry's place is the number of smaller ones.
__global__ void __launch_bounds__(kListWarps * 32)
    order_lists(const std::int32_t* __restrict__ slot_begin, std::int64_t tokens,
                std::int32_t* slot_of) {
  __shared__ std::int32_t lists[kListWarps][kLongestList];
  const std::int64_t t = static_cast<std::int64_t>(blockIdx.x) * kListWarps + warp_of_thread();
  if (t >= tokens) return;
  std::int32_t* const list = lists[warp_of_thread()];
  const std::int32_t begin = slot_begin[t], length = slot_begin[t + 1] - begin;
  if (length < 2) return;
  for (int i = lane_of_thread(); i < length; i += 32) list[i] = slot_of[begin + i];
  __syncwarp();
  for (int i = lane_of_thread(); i < length; i += 32) {
    const std::int32_t own = list[i];
    int smaller = 0;
    for (int j = 0; j < length; ++j) smaller += list[j] < own ? 1 : 0;
    slot_of[begin + smaller] = own;
  }
}

unsigned blocks_for(std::int64_t count, int each) {
  return static_cast<unsigned>((count + each - 1) / each);
}

}  // namespace

void list_slots_by_token(const std::int32_t* token, std::int64_t slots, std::int64_t tokens,
                         std::int32_t* slot_begin, std::int32_t* slot_of, cudaStream_t stream) {
  const auto bytes = static_cast<std::size_t>(tokens + 1) * sizeof(std::int32_t);
  check(cudaMemsetAsync(slot_begin, 0, bytes, stream));
  if (slots == 0) return;
  count_slots<<<blocks_for(slots, kThreads), kThreads, 0, stream>>>(token, slots, slot_begin);
  check_launch();
  sum_up_counts<<<1, tokens <= 1024 ? 256 : 1024, 0, stream>>>(slot_begin, tokens);
  check_launch();
  fill_lists<<<blocks_for(slots, kThreads), kThreads, 0, stream>>>(token, slots, slot_begin,
                                                                   slot_of);
  check_launch();
  order_lists<<<blocks_for(tokens, kListWarps), kListWarps * 32, 0, stream>>>(slot_begin, tokens,
                                                                              slot_of);
  check_launch();
}

}  // namespace moe::cuda
