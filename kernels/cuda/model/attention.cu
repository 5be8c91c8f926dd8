#include <cmath>
#include <stdexcept>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/model/attention.h"

namespace moe::cuda {
namespace {

constexpr unsigned kWholeWarp = 0xffffffffu;
constexpr int kWarps = 4;
constexpr int kThreads = kWarps * 32;
constexpr int kRowsAWarp = 4;               // a value loaded once is used for four rows
constexpr int kRows = kWarps * kRowsAWarp;  // of a block
constexpr int kKeys = 32;                   // of a tile: one a lane

__device__ __forceinline__ float warp_max(float x) {
  for (int step = 16; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(kWholeWarp, x, step));
  return x;
}
__device__ __forceinline__ float warp_sum(float x) {
  for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(kWholeWarp, x, step);
  return x;
}
__device__ __forceinline__ float dot(float sum, float4 a, float4 b) {
  return sum + a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
}

// Lane i holds the columns i, i + 32, .. of a row of the output: kColumns of them. The rows of keys
// are four floats apart from a multiple of 32 banks, so that eight lanes read eight rows in one go.
template <int kColumns>
struct Tiles {
  alignas(16) float q[kRows][32 * kColumns];
  alignas(16) float keys[kKeys][32 * kColumns + 4];
  alignas(16) float values[kKeys][32 * kColumns];
};

// What a warp knows of one of its rows.
struct Row {
  std::int64_t last;  // the last key it may see
  bool plain;         // it sees no key: the mean of all values
  float most, sum;    // of the scores so far; the sum is this lane's share
};

// The rows of a block are (step, query head) pairs of one sequence and key head, steps first, so
// that all of them read the same keys.
struct Place {
  std::int64_t b, kv_head, group, rows, first;
  __device__ explicit Place(const Attention& p)
      : b(blockIdx.z),
        kv_head(blockIdx.y),
        group(p.heads / p.kv_heads),
        rows(p.steps * group),
        first(static_cast<std::int64_t>(blockIdx.x) * kRows) {}
  // Rows beyond the end repeat the last one and are not stored.
  __device__ std::int64_t row(int i) const { return first + i < rows ? first + i : rows - 1; }
  __device__ std::int64_t step(std::int64_t row) const { return row / group; }
  // Of q and out.
  __device__ std::int64_t token(const Attention& p, std::int64_t row) const {
    return b * p.steps + step(row);
  }
  __device__ std::int64_t column(const Attention& p, std::int64_t row) const {
    return (kv_head * group + row % group) * p.head_dim;
  }
};

template <int kColumns>
__device__ void load_queries(const Attention& p, const Place& at, Tiles<kColumns>& tiles) {
  const int pieces = p.head_dim / 4;
  for (int i = static_cast<int>(threadIdx.x); i < kRows * pieces; i += kThreads) {
    const int r = i / pieces, piece = i % pieces;
    const std::int64_t row = at.row(r);
    const float* from = p.q + at.token(p, row) * p.q_stride + at.column(p, row);
    reinterpret_cast<float4*>(tiles.q[r])[piece] = reinterpret_cast<const float4*>(from)[piece];
  }
}

// Keys first .. first + 31; zeros from `end` on, since 0 * what nobody wrote need not be 0.
template <int kColumns>
__device__ void load_keys(const Attention& p, const Place& at, std::int64_t first, std::int64_t end,
                          Tiles<kColumns>& tiles) {
  const int pieces = p.head_dim / 4;
  const std::int64_t base = (at.b * p.kv_heads + at.kv_head) * p.cache.capacity;
  for (int i = static_cast<int>(threadIdx.x); i < kKeys * pieces; i += kThreads) {
    const int j = i / pieces, piece = i % pieces;
    float4 key{}, value{};
    if (first + j < end) {
      const std::int64_t from = (base + first + j) * pieces + piece;
      key = reinterpret_cast<const float4*>(p.cache.keys)[from];
      value = reinterpret_cast<const float4*>(p.cache.values)[from];
    }
    reinterpret_cast<float4*>(tiles.keys[j])[piece] = key;
    reinterpret_cast<float4*>(tiles.values[j])[piece] = value;
  }
}

// The scores of this lane's key for the warp's rows.
template <int kColumns>
__device__ void multiply(const Attention& p, const Tiles<kColumns>& tiles, int warp, int lane,
                         float (&score)[kRowsAWarp]) {
  for (float& s : score) s = 0.0f;
  for (int piece = 0; piece < p.head_dim / 4; ++piece) {
    const float4 key = reinterpret_cast<const float4*>(tiles.keys[lane])[piece];
#pragma unroll
    for (int r = 0; r < kRowsAWarp; ++r) {
      const auto* q = reinterpret_cast<const float4*>(tiles.q[warp * kRowsAWarp + r]);
      score[r] = dot(score[r], q[piece], key);
    }
  }
}

// Softmax as one goes along (Milakov and Gimelshein, arXiv 1805.02867): what was summed so far is
// scaled down where a larger score turns up. Gives back this lane's weight.
template <int kColumns>
__device__ float weigh(float score, Row& row, float (&out)[kColumns]) {
  const float most = fmaxf(row.most, warp_max(score));
  if (most == -INFINITY) return 0.0f;  // nothing to see yet
  const float scale = expf(row.most - most);
  const float weight = expf(score - most);
  row.most = most;
  row.sum = row.sum * scale + weight;
#pragma unroll
  for (float& o : out) o *= scale;
  return weight;
}

// out += weights * values, over the keys of the tile.
template <int kColumns>
__device__ void add_values(const Attention& p, const Tiles<kColumns>& tiles, int lane,
                           const float (&weight)[kRowsAWarp], float (&out)[kRowsAWarp][kColumns]) {
  for (int j = 0; j < kKeys; ++j) {
    float value[kColumns];
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      // Lanes beyond the head's width read a column that is there; what they sum is not stored.
      value[c] = tiles.values[j][min(lane + 32 * c, p.head_dim - 1)];
    }
#pragma unroll
    for (int r = 0; r < kRowsAWarp; ++r) {
      const float w = __shfl_sync(kWholeWarp, weight[r], j);
#pragma unroll
      for (int c = 0; c < kColumns; ++c) out[r][c] += w * value[c];
    }
  }
}

// Row `i` of the block.
template <int kColumns>
__device__ void store(const Attention& p, const Place& at, int i, int lane, float sum,
                      const float (&out)[kColumns]) {
  if (at.first + i >= at.rows) return;
  const std::int64_t row = at.row(i);
  const std::int64_t to = at.token(p, row) * p.heads * p.head_dim + at.column(p, row);
#pragma unroll
  for (int c = 0; c < kColumns; ++c) {
    const int column = lane + 32 * c;
    if (column >= p.head_dim) continue;
    const float o = out[c] / sum;
    if (p.out != nullptr) p.out[to + column] = o;
    if (p.out16 != nullptr) p.out16[to + column] = __float2bfloat16_rn(o);
  }
}

template <int kColumns>
__global__ void __launch_bounds__(kThreads) attention_kernel(Attention p, float scale) {
  __shared__ Tiles<kColumns> tiles;
  const Place at(p);
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const std::int64_t key_count = p.past + p.steps;
  const std::int64_t first_visible = p.first_visible[at.b];

  Row rows[kRowsAWarp];
  float out[kRowsAWarp][kColumns] = {};
  for (int r = 0; r < kRowsAWarp; ++r) {
    const std::int64_t last = p.past + at.step(at.row(warp * kRowsAWarp + r));
    const bool plain = last < first_visible;
    rows[r] = {plain ? key_count - 1 : last, plain, -INFINITY, 0.0f};
  }
  const bool has_plain = p.past + at.step(at.row(0)) < first_visible;
  const std::int64_t end = has_plain ? key_count : p.past + at.step(at.row(kRows - 1)) + 1;

  load_queries(p, at, tiles);
  for (std::int64_t first = 0; first < end; first += kKeys) {
    load_keys(p, at, first, end, tiles);
    __syncthreads();
    float weight[kRowsAWarp];
    multiply(p, tiles, warp, lane, weight);
    const std::int64_t key = first + lane;
    const bool visible = key < end && p.visible[at.b * p.cache.capacity + key] != 0;
#pragma unroll
    for (int r = 0; r < kRowsAWarp; ++r) {
      const bool seen = key <= rows[r].last && (visible || rows[r].plain);
      const float score = !seen ? -INFINITY : rows[r].plain ? 0.0f : weight[r] * scale;
      weight[r] = weigh(score, rows[r], out[r]);
    }
    add_values(p, tiles, lane, weight, out);
    __syncthreads();
  }

#pragma unroll
  for (int r = 0; r < kRowsAWarp; ++r) {
    store(p, at, warp * kRowsAWarp + r, lane, warp_sum(rows[r].sum), out[r]);
  }
}

}  // namespace

void attention(const Attention& problem, cudaStream_t stream) {
  const std::int64_t rows = problem.steps * (problem.heads / problem.kv_heads);
  const dim3 grid(static_cast<unsigned>((rows + kRows - 1) / kRows),
                  static_cast<unsigned>(problem.kv_heads), static_cast<unsigned>(problem.batch));
  const float scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(problem.head_dim)));
  if (problem.head_dim <= 32) {
    attention_kernel<1><<<grid, kThreads, 0, stream>>>(problem, scale);
  } else if (problem.head_dim <= 64) {
    attention_kernel<2><<<grid, kThreads, 0, stream>>>(problem, scale);
  } else if (problem.head_dim <= kMostHeadDim) {
    attention_kernel<4><<<grid, kThreads, 0, stream>>>(problem, scale);
  } else {
    throw std::invalid_argument("attention: heads wider than 128");
  }
  check_launch();
}

}  // namespace moe::cuda
