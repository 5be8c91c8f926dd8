#pragma once
// Rows rounded to whole numbers of 16 bits. V, besides product.h: absolute; store_as_integers, to
// the nearest.
#include <cstdint>

#include "kernels/cpu/detail/isa/micro_kernels.h"

namespace moe::cpu {

// The smallest power of two, from 2^-126 on, of which `largest` is less than 2^15 - 1/2 times: that
// much would round up to a number that 16 bits do not have. Of V, so that no processor's code is
// another's.
template <class V>
float integer_scale(float largest, float* inverse) {
  const auto bits = __builtin_bit_cast(std::int32_t, largest) + (1 << 8);
  const std::int32_t exponent = (bits >> 23) - 14 > 1 ? (bits >> 23) - 14 : 1;
  *inverse = __builtin_bit_cast(float, (254 - exponent) << 23);
  return __builtin_bit_cast(float, exponent << 23);
}

template <class V>
void to_integers(const float* from, std::int64_t rows, std::int64_t depth, std::int16_t* values,
                 float* scale) {
  const std::int64_t filled = (depth + kIntegerStep - 1) / kIntegerStep * kIntegerStep;
  for (std::int64_t r = 0; r < rows; ++r) {
    auto largest = V::zero();
    auto fault = V::zero();  // NaN once there is an infinity or a NaN
    for (std::int64_t k = 0; k < depth; k += V::kWidth) {
      const auto v = V::load(from + (k / kDepthStep * rows + r) * kDepthStep + k % kDepthStep);
      largest = V::most(V::absolute(v), largest);
      fault = V::fma(v, V::zero(), fault);
    }
    float lanes[V::kWidth];
    float faults[V::kWidth];
    V::store(lanes, largest);
    V::store(faults, fault);
    for (int i = 1; i < V::kWidth; ++i) {
      if (lanes[i] > lanes[0]) lanes[0] = lanes[i];
      faults[0] += faults[i];
    }
    float inverse = 0;
    scale[r] = integer_scale<V>(lanes[0], &inverse) + faults[0];
    const auto factor = V::broadcast_value(inverse);
    for (std::int64_t k = 0; k < filled; k += V::kWidth) {
      const auto v = k < depth
                         ? V::load(from + (k / kDepthStep * rows + r) * kDepthStep + k % kDepthStep)
                         : V::zero();
      V::store_as_integers(
          values + (k / kIntegerGroup * rows + r) * kIntegerGroup + k % kIntegerGroup,
          V::multiply(v, factor));
    }
  }
}

}  // namespace moe::cpu
