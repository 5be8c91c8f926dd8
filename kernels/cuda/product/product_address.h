// Where the elements of a grouped product lie. All in 64 bits: the weights of a large model have
// more than 2^31 elements. For host and device, so that sizes nobody can allocate can be tested.
#pragma once
#include <cstdint>

#ifdef __CUDACC__
#define MOE_HOST_DEVICE __host__ __device__
#else
#define MOE_HOST_DEVICE
#endif

namespace moe::cuda {

// The byte `depth_byte` of a row of A or B.
MOE_HOST_DEVICE constexpr std::int64_t byte_of_row(std::int64_t row, std::int64_t stride_bytes,
                                                   std::int64_t depth_byte) {
  return row * stride_bytes + depth_byte;
}

// The row of B, and the element of b_scale, of one column of C.
MOE_HOST_DEVICE constexpr std::int64_t row_of_b(std::int64_t expert, std::int64_t columns,
                                                std::int64_t column) {
  return expert * columns + column;
}

MOE_HOST_DEVICE constexpr std::int64_t element_of_c(std::int64_t row, std::int64_t stride,
                                                    std::int64_t column) {
  return row * stride + column;
}

}  // namespace moe::cuda
