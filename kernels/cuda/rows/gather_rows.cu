// Rows copied into expert order. Nothing is computed: what counts is that enough loads are on their
// way to hide the memory's latency, four of 16 bytes a lane.
#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/rows/row_parts.cuh"
#include "kernels/cuda/rows/rows.h"

namespace moe::cuda {
namespace {

constexpr int kUnitsALane = 4;

struct Pieces {
  const unsigned char* from;  // null: zeros
  unsigned char* to;
  RowUnits row;
  int element;  // bytes
};

__device__ __forceinline__ void copy_element(const Pieces& p, std::int64_t byte) {
  switch (p.element) {
    case 4:
      *reinterpret_cast<std::uint32_t*>(p.to + byte) =
          p.from ? *reinterpret_cast<const std::uint32_t*>(p.from + byte) : 0;
      return;
    case 2:
      *reinterpret_cast<std::uint16_t*>(p.to + byte) =
          p.from ? *reinterpret_cast<const std::uint16_t*>(p.from + byte) : std::uint16_t{0};
      return;
    default:
      p.to[byte] = p.from ? p.from[byte] : 0;
  }
}

// All four units of the lane are vectors.
__device__ __forceinline__ void copy_vectors(const Pieces& p, std::int64_t first) {
  uint4 v[kUnitsALane];
#pragma unroll
  for (int i = 0; i < kUnitsALane; ++i) {
    const std::int64_t at = (first + i * kLanes) * 16;
    v[i] = p.from ? *reinterpret_cast<const uint4*>(p.from + at) : uint4{0, 0, 0, 0};
  }
#pragma unroll
  for (int i = 0; i < kUnitsALane; ++i) {
    *reinterpret_cast<uint4*>(p.to + (first + i * kLanes) * 16) = v[i];
  }
}

__device__ __forceinline__ void copy_some(const Pieces& p, std::int64_t first) {
  for (int i = 0; i < kUnitsALane; ++i) {
    const std::int64_t unit = first + i * kLanes;
    if (unit < p.row.vectors) {
      *reinterpret_cast<uint4*>(p.to + unit * 16) =
          p.from ? *reinterpret_cast<const uint4*>(p.from + unit * 16) : uint4{0, 0, 0, 0};
    } else if (unit < p.row.units) {
      copy_element(p, p.row.vectors * 16 + (unit - p.row.vectors) * p.element);
    }
  }
}

__global__ void __launch_bounds__(kWarpsABlock* kLanes) gather(GatherRows p, RowUnits row) {
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const std::int64_t slot =
      std::int64_t{blockIdx.x} * kWarpsABlock + static_cast<int>(threadIdx.x) / kLanes;
  if (slot >= p.slots) return;
  const std::int32_t token = p.token[slot];
  if (token < 0 && !p.zero_empty) return;
  const std::int64_t part = std::int64_t{blockIdx.y} * (kLanes * kUnitsALane);
  const Pieces pieces{token < 0 ? nullptr
                                : static_cast<const unsigned char*>(p.from) +
                                      token * p.from_stride * p.element_bytes,
                      static_cast<unsigned char*>(p.to) + slot * p.to_stride * p.element_bytes, row,
                      p.element_bytes};
  if (part + kLanes * kUnitsALane <= row.vectors) {
    copy_vectors(pieces, part + lane);
  } else {
    copy_some(pieces, part + lane);
  }
}

}  // namespace

void gather_rows(const GatherRows& p, cudaStream_t stream) {
  if (p.slots == 0 || p.columns == 0) return;
  const bool aligned = aligned16(p.from, p.from_stride, p.element_bytes) &&
                       aligned16(p.to, p.to_stride, p.element_bytes);
  const RowUnits row = units_of(p.columns, 16 / p.element_bytes, aligned);
  gather<<<grid_of(p.slots, row.units, kUnitsALane), kWarpsABlock * kLanes, 0, stream>>>(p, row);
  check_launch();
}

}  // namespace moe::cuda
