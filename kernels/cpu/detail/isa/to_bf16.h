#pragma once
// Rows rounded to bf16, for instructions that multiply bf16 by bf16.
#include <cstdint>

#include "kernels/cpu/detail/isa/product.h"

namespace moe::cpu {

// V: a vector of 16, with store_as_bf16(to, v).
template <class V>
void to_bf16(const float* from, std::int64_t depth, std::int64_t rows, std::uint16_t* values) {
  const auto step = [=](std::int64_t k) {
    return values + k / kBf16Step * kBf16Step * rows + k % kBf16Step;
  };
  const std::int64_t whole = depth / kDepthStep * kDepthStep;
  for (std::int64_t k = 0; k < whole; k += kDepthStep) {
    V::store_as_bf16(step(k), V::load(from + k));
  }
  if (whole == depth) return;
  float rest[kDepthStep] = {};
  for (std::int64_t k = whole; k < depth; ++k) rest[k - whole] = from[k];
  V::store_as_bf16(step(whole), V::load(rest));
}

// hidden: where the panel's values of the first row begin.
template <class V>
void swiglu_to_bf16(const float* tile, std::int64_t rows, std::uint16_t* hidden) {
  for (std::int64_t r = 0; r < rows; ++r, tile += kPanelColumns, hidden += kBf16Step) {
    V::store_as_bf16(hidden, swiglu_of<V>(V::load(tile), V::load(tile + kPanelColumns / 2)));
  }
}

}  // namespace moe::cpu
