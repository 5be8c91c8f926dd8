// The experts' rows of each token, weighted and summed in a fixed order.
#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/rows/row_parts.cuh"
#include "kernels/cuda/rows/rows.h"

namespace moe::cuda {
namespace {

constexpr unsigned kAllLanes = 0xffffffffu;
constexpr int kRowsAtOnce = 4;  // loads of a lane on their way

// Both layouts as one: token t's entries are first(t) .. end(t) of `slot`.
struct Combine {
  const void* rows;
  std::int64_t rows_stride;
  const std::int32_t* slot;
  const std::int32_t* list_begin;  // null: top_k entries a token, and the weight is the entry's
  const float* weight;
  int top_k;
  std::int64_t tokens;
  float* y;
  std::int64_t y_stride;
  RowUnits row;

  __device__ std::int64_t first(std::int64_t t) const {
    return list_begin ? list_begin[t] : t * top_k;
  }
  __device__ std::int64_t end(std::int64_t t) const {
    return list_begin ? list_begin[t + 1] : (t + 1) * top_k;
  }
};

// Up to 32 entries of a token, one in each lane: those of dropped ones have weight 0.
struct Entry {
  std::int32_t slot;
  float weight;
};
__device__ __forceinline__ Entry entry_of(const Combine& p, std::int64_t i, std::int64_t end) {
  if (i >= end) return {-1, 0};
  const std::int32_t slot = p.slot[i];
  if (slot < 0) return {-1, 0};
  return {slot, p.weight[p.list_begin ? slot : i]};
}

// sum += weight * row for all entries; every lane of the warp takes part, and those for which
// `mine` is false only lend their entries. Size: elements of a lane, a vector or one.
template <class T, int Size>
__device__ __forceinline__ void add_entries(const Combine& p, std::int64_t t, std::int64_t column,
                                            bool mine, float (&sum)[Size]) {
  const T* rows = static_cast<const T*>(p.rows) + column;
  const std::int64_t end = p.end(t);
  for (std::int64_t first = p.first(t); first < end; first += kLanes) {
    const Entry own = entry_of(p, first + threadIdx.x % kLanes, end);
    const int count = static_cast<int>(min(end - first, std::int64_t{kLanes}));
    for (int k = 0; k < count; k += kRowsAtOnce) {
      T v[kRowsAtOnce][Size];
      float weight[kRowsAtOnce];
      bool there[kRowsAtOnce];
#pragma unroll
      for (int i = 0; i < kRowsAtOnce; ++i) {
        const std::int32_t slot = __shfl_sync(kAllLanes, own.slot, (k + i) % kLanes);
        weight[i] = __shfl_sync(kAllLanes, own.weight, (k + i) % kLanes);
        there[i] = mine && k + i < count && slot >= 0;
        if (!there[i]) continue;
        const T* from = rows + slot * p.rows_stride;
        if constexpr (Size > 1) {
          *reinterpret_cast<uint4*>(v[i]) = *reinterpret_cast<const uint4*>(from);
        } else {
          v[i][0] = *from;
        }
      }
#pragma unroll
      for (int i = 0; i < kRowsAtOnce; ++i) {
#pragma unroll
        for (int j = 0; j < Size; ++j) {
          if (there[i]) sum[j] = fmaf(weight[i], to_float(v[i][j]), sum[j]);
        }
      }
    }
  }
}

template <class T>
__global__ void __launch_bounds__(kWarpsABlock* kLanes) combine(Combine p) {
  constexpr int kSize = Vector<T>::kSize;
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const std::int64_t t =
      std::int64_t{blockIdx.x} * kWarpsABlock + static_cast<int>(threadIdx.x) / kLanes;
  if (t >= p.tokens) return;
  const std::int64_t part = std::int64_t{blockIdx.y} * kLanes;  // of the whole warp
  const std::int64_t unit = part + lane;
  float* y = p.y + t * p.y_stride;
  if (part < p.row.vectors) {
    const bool mine = unit < p.row.vectors;
    float sum[kSize] = {};
    add_entries<T>(p, t, mine ? unit * kSize : 0, mine, sum);
    if (mine) {
#pragma unroll
      for (int j = 0; j < kSize; j += 4) {
        *reinterpret_cast<float4*>(y + unit * kSize + j) =
            float4{sum[j], sum[j + 1], sum[j + 2], sum[j + 3]};
      }
    }
  }
  if (part + kLanes > p.row.vectors) {
    const bool mine = unit >= p.row.vectors && unit < p.row.units;
    const std::int64_t column = p.row.vectors * kSize + (unit - p.row.vectors);
    float sum[1] = {};
    add_entries<T>(p, t, mine ? column : 0, mine, sum);
    if (mine) y[column] = sum[0];
  }
}

template <class T>
void launch(Combine p, std::int64_t hidden, cudaStream_t stream) {
  const bool aligned = aligned16(p.rows, p.rows_stride, sizeof(T)) && aligned16(p.y, p.y_stride, 4);
  p.row = units_of(hidden, Vector<T>::kSize, aligned);
  combine<T><<<grid_of(p.tokens, p.row.units, 1), kWarpsABlock * kLanes, 0, stream>>>(p);
  check_launch();
}

void launch(const Combine& p, DType row_type, std::int64_t hidden, cudaStream_t stream) {
  if (p.tokens == 0 || hidden == 0) return;
  if (row_type == DType::kBf16) return launch<__nv_bfloat16>(p, hidden, stream);
  if (row_type == DType::kF16) return launch<__half>(p, hidden, stream);
  launch<float>(p, hidden, stream);
}

}  // namespace

void combine_rows(const CombineRows& p, cudaStream_t stream) {
  launch({.rows = p.rows,
          .rows_stride = p.rows_stride,
          .slot = p.slot_of_assignment,
          .list_begin = nullptr,
          .weight = p.weight,
          .top_k = p.top_k,
          .tokens = p.tokens,
          .y = p.y,
          .y_stride = p.y_stride,
          .row = {}},
         p.row_type, p.hidden, stream);
}

void combine_lists(const CombineLists& p, cudaStream_t stream) {
  launch({.rows = p.rows,
          .rows_stride = p.rows_stride,
          .slot = p.slot_of,
          .list_begin = p.slot_begin,
          .weight = p.weight,
          .top_k = 0,
          .tokens = p.tokens,
          .y = p.y,
          .y_stride = p.y_stride,
          .row = {}},
         p.row_type, p.hidden, stream);
}

}  // namespace moe::cuda
