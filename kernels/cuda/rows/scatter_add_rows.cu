// Rows added to their tokens' sums by atomic additions.
#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/rows/row_parts.cuh"
#include "kernels/cuda/rows/rows.h"

namespace moe::cuda {
namespace {

constexpr int kColumnsALane = 4;

// Lanes take neighbouring columns: an atomic addition moves 4 bytes, and 32 of them make whole
// sectors.
template <class T>
__global__ void __launch_bounds__(kWarpsABlock* kLanes) scatter_add(ScatterAddRows p) {
  const std::int64_t slot =
      std::int64_t{blockIdx.x} * kWarpsABlock + static_cast<int>(threadIdx.x) / kLanes;
  if (slot >= p.slots) return;
  const std::int32_t token = p.token[slot];
  if (token < 0) return;
  const float weight = p.weight[slot];
  const T* row = static_cast<const T*>(p.rows) + slot * p.rows_stride;
  float* y = p.y + token * p.y_stride;
  const std::int64_t first =
      std::int64_t{blockIdx.y} * (kLanes * kColumnsALane) + threadIdx.x % kLanes;
  float x[kColumnsALane] = {};
#pragma unroll
  for (int i = 0; i < kColumnsALane; ++i) {
    if (first + i * kLanes < p.hidden) x[i] = to_float(row[first + i * kLanes]);
  }
#pragma unroll
  for (int i = 0; i < kColumnsALane; ++i) {
    if (first + i * kLanes < p.hidden) atomicAdd(y + first + i * kLanes, weight * x[i]);
  }
}

}  // namespace

void scatter_add_rows(const ScatterAddRows& p, cudaStream_t stream) {
  if (p.slots == 0 || p.hidden == 0) return;
  const dim3 grid = grid_of(p.slots, p.hidden, kColumnsALane);
  if (p.row_type == DType::kBf16) {
    scatter_add<__nv_bfloat16><<<grid, kWarpsABlock * kLanes, 0, stream>>>(p);
  } else if (p.row_type == DType::kF16) {
    scatter_add<__half><<<grid, kWarpsABlock * kLanes, 0, stream>>>(p);
  } else {
    scatter_add<float><<<grid, kWarpsABlock * kLanes, 0, stream>>>(p);
  }
  check_launch();
}

}  // namespace moe::cuda
