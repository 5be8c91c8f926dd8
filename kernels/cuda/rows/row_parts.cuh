// How rows are shared out: a warp takes a part of a row, a lane 16 bytes of it or, behind the last
// 16 bytes and in rows that do not begin at multiples of 16 bytes, one element.
#pragma once
#include <cstdint>

#include "kernels/cuda/detail/numbers.cuh"

namespace moe::cuda {

inline constexpr int kLanes = 32;
inline constexpr int kWarpsABlock = 8;  // rows of a block

// The units of a row: first the vectors, then the single elements that are left.
struct RowUnits {
  std::int64_t vectors = 0;
  std::int64_t units = 0;
};

inline RowUnits units_of(std::int64_t columns, int elements_a_vector, bool aligned) {
  const std::int64_t vectors = aligned ? columns / elements_a_vector : 0;
  return {vectors, columns - vectors * elements_a_vector + vectors};
}

inline bool aligned16(const void* pointer, std::int64_t stride, int bytes) {
  return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0 && stride * bytes % 16 == 0;
}

// x: rows by warps; y: parts of a row.
inline dim3 grid_of(std::int64_t rows, std::int64_t units, int units_a_lane) {
  const std::int64_t part = std::int64_t{kLanes} * units_a_lane;
  return dim3(static_cast<unsigned>((rows + kWarpsABlock - 1) / kWarpsABlock),
              static_cast<unsigned>((units + part - 1) / part));
}

// 16 bytes of a row as floats.
template <class T>
struct Vector {
  static constexpr int kSize = 16 / static_cast<int>(sizeof(T));
  alignas(16) T x[kSize];
};

template <class T>
__device__ __forceinline__ Vector<T> load_vector(const T* from) {
  Vector<T> v;
  *reinterpret_cast<uint4*>(v.x) = *reinterpret_cast<const uint4*>(from);
  return v;
}

}  // namespace moe::cuda
