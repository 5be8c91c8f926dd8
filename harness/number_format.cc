#include "harness/number_format.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "reference/io/float16.h"

namespace moe::harness {
namespace {

constexpr float kLargestE4m3 = 448;
constexpr int kE4m3Bits = 4;            // significant
constexpr int kLeastE4m3Exponent = -6;  // of a normal number; below it steps are 2^-9

// 11 significant bits, ties away from zero (PTX ISA, cvt.rna.tf32).
float to_tf32(float v) {
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(v) + 0x1000U) & 0xFFFFE000U);
}

}  // namespace

float round_to(DType dtype, float v) {
  switch (dtype) {
    case DType::kF32:
      return v;
    case DType::kTf32:
      return to_tf32(v);
    case DType::kF16:
      return reference::from_f16(reference::to_f16(v));
    case DType::kBf16:
    case DType::kE4m3:
      return reference::from_bf16(reference::to_bf16(v));
  }
  return v;
}

float round_to_e4m3(float scaled) {
  if (scaled == 0) return scaled;
  const int exponent = std::max(std::ilogb(scaled), kLeastE4m3Exponent);
  const float step = std::ldexp(1.0F, exponent - (kE4m3Bits - 1));
  return std::clamp(std::nearbyint(scaled / step) * step, -kLargestE4m3, kLargestE4m3);
}

float e4m3_scale(float largest) {
  if (!(largest > 0)) return 1;
  int exponent = 0;
  const float fraction = std::frexp(largest / kLargestE4m3, &exponent);  // [0.5, 1)
  return std::ldexp(1.0F, fraction == 0.5F ? exponent - 1 : exponent);
}

void round_rows_to_e4m3(std::span<float> values, std::int64_t columns) {
  const auto rows = columns > 0 ? std::ssize(values) / columns : 0;
#pragma omp parallel for schedule(static)
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto row = values.subspan(r * columns, columns);
    float largest = 0;
    for (const float v : row) largest = std::max(largest, std::abs(v));
    const float scale = e4m3_scale(largest);
    for (float& v : row) v = round_to_e4m3(v / scale) * scale;
  }
}

bool has_16_bits(DType dtype) {
  return dtype == DType::kBf16 || dtype == DType::kF16 || dtype == DType::kE4m3;
}

std::uint16_t bits_of(DType dtype, float v) {
  return dtype == DType::kF16 ? reference::to_f16(v) : reference::to_bf16(v);
}

std::int64_t weight_bytes(DType dtype) {
  return dtype == DType::kE4m3 ? 1 : has_16_bits(dtype) ? 2 : 4;
}

std::int64_t token_bytes(DType dtype) { return has_16_bits(dtype) ? 2 : 4; }

reference::Roundings roundings_of(DType dtype) {
  constexpr double kBf16 = 0x1p-8;
  constexpr double kF16 = 0x1p-11;  // and tf32
  constexpr double kE4m3 = 0x1p-4;
  switch (dtype) {
    case DType::kF32:
      return {};
    case DType::kTf32:
      return {.hidden = kF16};
    case DType::kF16:
      return {.hidden = kF16, .output = kF16, .hidden_step = 0x1p-25};
    case DType::kBf16:
      return {.hidden = kBf16, .output = kBf16};
    case DType::kE4m3:  // hidden: to bf16, then to e4m3. A scale is at most 2 / 448 of the largest
      return {.input = kE4m3,
              .hidden = kE4m3 + kBf16,
              .output = kBf16,
              .row_step = 2.0 / 448 * 0x1p-10};
  }
  return {};
}

}  // namespace moe::harness
