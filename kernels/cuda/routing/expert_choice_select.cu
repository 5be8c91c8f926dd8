// Expert choice: probabilities by expert, then for each expert the tokens it takes. The choice is a
// radix select: eight bits at a time, the digits of the last probability that is taken are found
// from histograms; then one walk in token order keeps what lies above it, and the first of its
// equals.
#include <algorithm>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/routing/routing.h"
#include "kernels/cuda/routing/segments.cuh"

namespace moe::cuda {
namespace {

// ---- probabilities -----------------------------------------------------------------------------

constexpr int kTile = 32;  // tokens of a block, and experts that it turns round at once
constexpr int kSoftmaxWarps = 8;
constexpr int kTokensAWarp = kTile / kSoftmaxWarps;

struct SoftmaxRow {
  const float* logits;
  float most, sum;
};

__device__ __forceinline__ float warp_max(float x) {
  for (int step = 16; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(kWholeWarp, x, step));
  return x;
}
__device__ __forceinline__ float warp_sum(float x) {
  for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(kWholeWarp, x, step);
  return x;
}

// The largest logit and the sum of exponentials of each of a warp's rows, together, so that their
// loads overlap.
__device__ __forceinline__ void prepare_rows(SoftmaxRow (&rows)[kTokensAWarp], int experts) {
  for (auto& row : rows) row.most = row.logits[0], row.sum = 0;
  for (int e = lane_of_thread(); e < experts; e += 32) {
#pragma unroll
    for (auto& row : rows) row.most = fmaxf(row.most, row.logits[e]);
  }
  for (auto& row : rows) row.most = warp_max(row.most);
  for (int e = lane_of_thread(); e < experts; e += 32) {
#pragma unroll
    for (auto& row : rows) row.sum += expf(row.logits[e] - row.most);
  }
  for (auto& row : rows) row.sum = warp_sum(row.sum);
}

// probability[e, t]: read and written along rows, and turned round in shared memory in between.
__global__ void __launch_bounds__(kSoftmaxWarps * 32)
    probabilities_by_expert(const ExpertChoiceSelect p) {
  __shared__ float tile[kTile][kTile + 1];
  const int warp = warp_of_thread(), lane = lane_of_thread();
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kTile;
  SoftmaxRow rows[kTokensAWarp];
#pragma unroll
  for (int j = 0; j < kTokensAWarp; ++j) {  // rows beyond the last repeat it and are not stored
    const std::int64_t token = min(first + warp * kTokensAWarp + j, p.tokens - 1);
    rows[j].logits = p.logits + token * p.logits_stride;
  }
  prepare_rows(rows, p.experts);
  const int step = kTile * static_cast<int>(gridDim.y);
  for (int e0 = kTile * static_cast<int>(blockIdx.y); e0 < p.experts; e0 += step) {
#pragma unroll
    for (int j = 0; j < kTokensAWarp; ++j) {
      const float logit = e0 + lane < p.experts ? rows[j].logits[e0 + lane] : rows[j].most;
      tile[warp * kTokensAWarp + j][lane] = expf(logit - rows[j].most) / rows[j].sum;
    }
    __syncthreads();
    const std::int64_t token = first + lane;
    for (int j = 0; j < kTokensAWarp; ++j) {
      const int column = warp * kTokensAWarp + j;
      if (e0 + column < p.experts && token < p.tokens) {
        p.probability[(e0 + column) * p.tokens + token] = tile[lane][column];
      }
    }
    __syncthreads();
  }
}

// ---- the choice --------------------------------------------------------------------------------

constexpr int kDigits = 256;

// Probabilities are not negative, so their bits are in the order of their values.
struct Threshold {
  std::int32_t bits;   // of the last probability that is taken
  std::int32_t equal;  // how many of exactly that are taken
};

// By one warp: in which digit, counted from the largest, the `wanted`-th value lies, and the how
// many-th of that digit it is.
__device__ void find_digit(const std::int32_t* histogram, std::int32_t wanted, Threshold* found) {
  constexpr int kEach = kDigits / 32;
  const int largest = kDigits - 1 - lane_of_thread() * kEach;
  std::int32_t own = 0;
  for (int j = 0; j < kEach; ++j) own += histogram[largest - j];
  const std::int32_t upto = warp_inclusive_sum(own);
  std::int32_t before = upto - own;
  if (before >= wanted || upto < wanted) return;
  int digit = largest;
  while (before + histogram[digit] < wanted) before += histogram[digit--];
  *found = {digit, wanted - before};
}

// The bits of the `takes`-th largest of the block's probabilities.
template <class Key>
__device__ Threshold find_threshold(Segment mine, const Key& key, std::int64_t takes) {
  __shared__ std::int32_t histogram[kDigits];
  __shared__ Threshold digit;
  Threshold found = {0, static_cast<std::int32_t>(takes)};
  for (int shift = 24; shift >= 0; shift -= 8) {
    for (int i = static_cast<int>(threadIdx.x); i < kDigits; i += static_cast<int>(blockDim.x)) {
      histogram[i] = 0;
    }
    __syncthreads();
    // Only those whose digits so far are the threshold's. (32 bits cannot be shifted by 32.)
    const auto above = [&](std::int32_t bits) {
      return static_cast<std::int32_t>(static_cast<std::int64_t>(bits) >> (shift + 8));
    };
    walk(mine, key, [&](std::int64_t, std::int32_t bits) {
      if (bits >= 0 && above(bits) == above(found.bits)) {
        atomicAdd(&histogram[(bits >> shift) % kDigits], 1);
      }
    });
    __syncthreads();
    if (warp_of_thread() == 0) find_digit(histogram, found.equal, &digit);
    __syncthreads();
    found = {found.bits | digit.bits << shift, digit.equal};
  }
  return found;
}

// How many there are in the segments of the warps before.
__device__ std::int32_t sum_of_warps_before(std::int32_t count, std::int32_t* scratch) {
  const PrefixSum sum = block_prefix_sum(lane_of_thread() == 0 ? count : 0, scratch);
  return __shfl_sync(kWholeWarp, sum.before, 0);
}

__global__ void __launch_bounds__(1024, 1) select_tokens(const ExpertChoiceSelect p) {
  __shared__ std::int32_t scratch[32];
  const float* const probability = p.probability + blockIdx.x * p.tokens;
  const auto key = [&](std::int64_t t) { return __float_as_int(probability[t]); };
  const Segment mine = part_of({0, p.tokens}, warp_of_thread(), warps_of_block());
  const Threshold last = find_threshold(mine, key, p.takes);

  std::int32_t greater = 0, equal = 0;
  walk(mine, key, [&](std::int64_t, std::int32_t bits) {
    greater += __popc(__ballot_sync(kWholeWarp, bits > last.bits));
    equal += __popc(__ballot_sync(kWholeWarp, bits == last.bits));
  });
  greater = sum_of_warps_before(greater, scratch);
  equal = sum_of_warps_before(equal, scratch);

  const unsigned before = lanes_before(lane_of_thread());
  const std::int64_t first_slot = blockIdx.x * p.takes;
  walk(mine, key, [&](std::int64_t t, std::int32_t bits) {
    const unsigned above = __ballot_sync(kWholeWarp, bits > last.bits);
    const unsigned same = __ballot_sync(kWholeWarp, bits == last.bits);
    const std::int32_t equal_before = equal + __popc(same & before);
    const bool taken = bits > last.bits || (bits == last.bits && equal_before < last.equal);
    if (taken) {
      const std::int64_t slot =
          first_slot + greater + __popc(above & before) + min(equal_before, last.equal);
      p.token[slot] = static_cast<std::int32_t>(t);
      p.weight[slot] = __int_as_float(bits);
    }
    greater += __popc(above);
    equal += __popc(same);
  });
}

}  // namespace

void select_for_experts(const ExpertChoiceSelect& p, cudaStream_t stream) {
  if (p.tokens == 0) return;
  // Few tokens: the tiles of experts go to blocks of their own, which cost another reading of the
  // rows, as long as there are multiprocessors left.
  const auto across = static_cast<unsigned>((p.tokens + kTile - 1) / kTile);
  const auto tiles = static_cast<unsigned>((p.experts + kTile - 1) / kTile);
  const unsigned free = static_cast<unsigned>(device_traits().multiprocessors) / across;
  const dim3 grid(across, std::clamp(free, 1u, tiles));
  probabilities_by_expert<<<grid, kSoftmaxWarps * 32, 0, stream>>>(p);
  check_launch();
  const int threads = p.tokens <= 1024 ? 256 : 1024;
  select_tokens<<<static_cast<unsigned>(p.experts), threads, 0, stream>>>(p);
  check_launch();
}

}  // namespace moe::cuda
