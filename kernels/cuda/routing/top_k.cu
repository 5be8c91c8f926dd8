// The K best experts of each token. A row of logits lies in the registers of 2 to 32 lanes, so that
// it is read once; each choice is a maximum over those lanes. What was chosen is collected in
// shared memory, and the warp stores its rows' results side by side.
#include <cstdint>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/routing/block_sums.cuh"
#include "kernels/cuda/routing/routing.h"

namespace moe::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / 32;
constexpr int kMostTopK = 32;

// Floats as integers in the same order; both zeros are one. Less than any finite float's: kTaken.
constexpr std::uint32_t kTaken = 0;
constexpr std::uint32_t kSign = 0x80000000u;
__device__ __forceinline__ std::uint32_t key_of(float x) {
  std::uint32_t bits = __float_as_uint(x);
  if (bits == kSign) bits = 0;
  return bits ^ ((bits & kSign) != 0 ? 0xffffffffu : kSign);
}
__device__ __forceinline__ float value_of(std::uint32_t key) {
  return __uint_as_float(key ^ ((key & kSign) != 0 ? kSign : 0xffffffffu));
}

struct Best {
  std::uint32_t key;
  int expert;
};

// How a row lies in the lanes: kVector experts at a time go round the lanes.
template <int kLanes, int kPerLane, int kVector>
struct Row {
  std::uint32_t key[kPerLane];

  static __device__ __forceinline__ int expert_of(int lane, int i) {
    return (i / kVector * kLanes + lane) * kVector + i % kVector;
  }

  __device__ __forceinline__ void load(const float* logits, int experts, int lane) {
#pragma unroll
    for (int i = 0; i < kPerLane; i += kVector) {
      const int expert = expert_of(lane, i);
      if constexpr (kVector == 4) {
        const bool there = expert < experts;
        const float4 v = there ? *reinterpret_cast<const float4*>(logits + expert) : float4{};
        key[i] = there ? key_of(v.x) : kTaken;
        key[i + 1] = there ? key_of(v.y) : kTaken;
        key[i + 2] = there ? key_of(v.z) : kTaken;
        key[i + 3] = there ? key_of(v.w) : kTaken;
      } else {
        key[i] = expert < experts ? key_of(logits[expert]) : kTaken;
      }
    }
  }

  // The largest key of the row, and the lowest expert that has it.
  __device__ __forceinline__ Best best(int lane) const {
    Best mine = {key[0], expert_of(lane, 0)};
#pragma unroll
    for (int i = 1; i < kPerLane; ++i) {  // ascending experts: the first of equal ones stays
      if (key[i] > mine.key) mine = {key[i], expert_of(lane, i)};
    }
    if constexpr (kLanes == 32) {
      const std::uint32_t largest = __reduce_max_sync(kWholeWarp, mine.key);
      const unsigned expert = mine.key == largest ? static_cast<unsigned>(mine.expert) : ~0u;
      return {largest, static_cast<int>(__reduce_min_sync(kWholeWarp, expert))};
    } else {
#pragma unroll
      for (int step = kLanes / 2; step > 0; step /= 2) {
        const Best other = {__shfl_xor_sync(kWholeWarp, mine.key, step),
                            __shfl_xor_sync(kWholeWarp, mine.expert, step)};
        if (other.key > mine.key || (other.key == mine.key && other.expert < mine.expert)) {
          mine = other;
        }
      }
      return mine;
    }
  }

  __device__ __forceinline__ void take(int expert, int lane) {
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) {
      if (expert_of(lane, i) == expert) key[i] = kTaken;
    }
  }

  // Of exp(logit - most), over the row.
  __device__ __forceinline__ float sum_of_exponentials(float most) const {
    float sum = 0;
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) {
      if (key[i] != kTaken) sum += expf(value_of(key[i]) - most);
    }
#pragma unroll
    for (int step = kLanes / 2; step > 0; step /= 2) sum += __shfl_xor_sync(kWholeWarp, sum, step);
    return sum;
  }
};

// sigmoid(x) * exp(-scale), which is never 0 for x = scale: a row of sigmoids that all vanish in
// f32 can still be brought to the sum 1.
__device__ __forceinline__ float scaled_sigmoid(float x, float scale) {
  return x < 0 ? expf(x - scale) / (1.0f + expf(x)) : 1.0f / (1.0f + expf(-x));
}

// What a warp has chosen for its rows.
template <int kRows, int kEntries>
struct Chosen {
  float weight[kEntries];  // [kRows, K], to be divided by
  float sum[kRows];
  std::int32_t expert[kEntries];
};

// Chooses for one row; the results are those of row `row` of the warp.
template <class Lanes, class Results>
__device__ __forceinline__ void choose(const TopK& p, Lanes& keys, int lane, int row,
                                       Results& chosen) {
  const bool sigmoid = p.scores == Scores::kSigmoid;
  Best best = keys.best(lane);
  const float first = value_of(best.key);
  const float scale = p.renormalize ? fminf(first, 0.0f) : 0.0f;  // of sigmoids
  float sum = 0;
  if (!p.renormalize) sum = sigmoid ? 1.0f : keys.sum_of_exponentials(first);
  for (int k = 0; k < p.top_k; ++k) {
    if (k > 0) best = keys.best(lane);
    keys.take(best.expert, lane);
    const float logit = value_of(best.key);
    const float weight = sigmoid ? scaled_sigmoid(logit, scale) : expf(logit - first);
    if (p.renormalize) sum += weight;
    if (lane == 0) {
      chosen.weight[row * p.top_k + k] = weight;
      chosen.expert[row * p.top_k + k] = best.expert;
    }
  }
  if (lane == 0) chosen.sum[row] = sum;
}

template <int kLanes, int kPerLane, int kVector>
__global__ void __launch_bounds__(kThreads) top_k(const TopK p) {
  constexpr int kRows = 32 / kLanes;  // of a warp
  constexpr int kMostOfARow = kLanes * kPerLane < kMostTopK ? kLanes * kPerLane : kMostTopK;
  using Results = Chosen<kRows, kRows * kMostOfARow>;
  __shared__ Results results[kWarps];
  Results& chosen = results[warp_of_thread()];

  const std::int64_t first_row =
      (static_cast<std::int64_t>(blockIdx.x) * kWarps + warp_of_thread()) * kRows;
  if (first_row >= p.tokens) return;
  const int row = lane_of_thread() / kLanes, lane = lane_of_thread() % kLanes;
  // Lanes beyond the last token repeat it, since the whole warp shuffles; they store nothing.
  const std::int64_t token = min(first_row + row, p.tokens - 1);
  Row<kLanes, kPerLane, kVector> keys;
  keys.load(p.logits + token * p.logits_stride, p.experts, lane);
  choose(p, keys, lane, row, chosen);
  __syncwarp();

  const int count = static_cast<int>(min(p.tokens - first_row, std::int64_t{kRows})) * p.top_k;
  for (int i = lane_of_thread(); i < count; i += 32) {
    p.weight[first_row * p.top_k + i] = chosen.weight[i] / chosen.sum[i / p.top_k];
    p.expert[first_row * p.top_k + i] = chosen.expert[i];
  }
}

template <int kLanes, int kPerLane, int kVector>
void launch(const TopK& p, cudaStream_t stream) {
  constexpr int kRowsABlock = kThreads / kLanes;
  const auto blocks = static_cast<unsigned>((p.tokens + kRowsABlock - 1) / kRowsABlock);
  top_k<kLanes, kPerLane, kVector><<<blocks, kThreads, 0, stream>>>(p);
  check_launch();
}

bool in_vectors(const TopK& p) {
  return p.experts % 4 == 0 && p.logits_stride % 4 == 0 &&
         reinterpret_cast<std::uintptr_t>(p.logits) % 16 == 0;
}

}  // namespace

void select_top_k(const TopK& p, cudaStream_t stream) {
  if (p.tokens == 0) return;
  if (!in_vectors(p)) {
    if (p.experts <= 32) return launch<32, 1, 1>(p, stream);
    if (p.experts <= 256) return launch<32, 8, 1>(p, stream);
    return launch<32, 32, 1>(p, stream);
  }
  if (p.experts <= 8) return launch<2, 4, 4>(p, stream);
  if (p.experts <= 16) return launch<4, 4, 4>(p, stream);
  if (p.experts <= 32) return launch<8, 4, 4>(p, stream);
  if (p.experts <= 64) return launch<16, 4, 4>(p, stream);
  if (p.experts <= 128) return launch<32, 4, 4>(p, stream);
  if (p.experts <= 256) return launch<32, 8, 4>(p, stream);
  if (p.experts <= 512) return launch<32, 16, 4>(p, stream);
  return launch<32, 32, 4>(p, stream);
}

}  // namespace moe::cuda
