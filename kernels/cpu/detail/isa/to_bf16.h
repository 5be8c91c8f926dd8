#pragma once
// Rows rounded to bf16, for instructions that multiply bf16 by bf16.
#include <algorithm>
#include <cstdint>

#include "kernels/cpu/detail/isa/product.h"

namespace moe::cpu {

// To the nearest, ties to even; NaN stays NaN. Of V, so that no processor's code is another's.
template <class V>
[[gnu::always_inline]] inline void store_as_bf16(std::uint16_t* to, const float* from) {
  for (int i = 0; i < kDepthStep; ++i) {
    const auto bits = __builtin_bit_cast(std::uint32_t, from[i]);
    const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
    to[i] = static_cast<std::uint16_t>((bits & 0x7FFFFFFFU) > 0x7F800000U ? 0x7FC0U : rounded);
  }
}

template <class V>
void to_bf16(const float* from, std::int64_t depth, std::int64_t rows, std::uint16_t* values) {
  const auto step = [=](std::int64_t k) {
    return values + k / kBf16Step * kBf16Step * rows + k % kBf16Step;
  };
  const std::int64_t whole = depth / kDepthStep * kDepthStep;
  for (std::int64_t k = 0; k < whole; k += kDepthStep) store_as_bf16<V>(step(k), from + k);
  if (whole == depth) return;
  float rest[kDepthStep] = {};
  for (std::int64_t k = whole; k < depth; ++k) rest[k - whole] = from[k];
  store_as_bf16<V>(step(whole), rest);
}

// hidden: where the panel's values of the first row begin. First all rows as f32: one by one, each
// waits for the one before, which takes six times as long.
template <class V>
void swiglu_to_bf16(const float* tile, std::int64_t rows, std::uint16_t* hidden) {
  constexpr std::int64_t kSome = 32;
  alignas(64) float wide[kSome * kDepthStep];
  for (std::int64_t r = 0; r < rows; r += kSome) {
    const std::int64_t some = std::min(kSome, rows - r);
    swiglu<V>(tile + r * kPanelColumns, some, wide);
    for (std::int64_t i = 0; i < some; ++i) {
      store_as_bf16<V>(hidden + (r + i) * kBf16Step, wide + i * kDepthStep);
    }
  }
}

}  // namespace moe::cpu
