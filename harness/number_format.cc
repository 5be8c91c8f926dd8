#include "harness/number_format.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "reference/io/float16.h"

namespace moe::harness {
namespace {

constexpr float kLargestE4m3 = 448;
constexpr float kLargestInt8 = 127;
constexpr float kLargestInt4 = 7;
constexpr int kE4m3Bits = 4;            // significant
constexpr int kLeastE4m3Exponent = -6;  // of a normal number; below it steps are 2^-9

// 11 significant bits, ties away from zero (PTX ISA, cvt.rna.tf32).
float to_tf32(float v) {
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(v) + 0x1000U) & 0xFFFFE000U);
}

// The smallest power of two of which `largest` is at most `most` times; 1 for 0.
float scale_of(float largest, float most) {
  if (!(largest > 0)) return 1;
  int exponent = 0;
  const float fraction = std::frexp(largest / most, &exponent);  // [0.5, 1)
  return std::ldexp(1.0F, fraction == 0.5F ? exponent - 1 : exponent);
}

// The values in units of a scale of their own: round(v / scale).
template <class Round>
void round_in_units(std::span<float> values, float most, const Round& round) {
  float largest = 0;
  for (const float v : values) largest = std::max(largest, std::abs(v));
  const float scale = scale_of(largest, most);
  for (float& v : values) v = round(v / scale) * scale;
}

template <class Work>
void for_rows(std::span<float> values, std::int64_t columns, const Work& work) {
  const auto rows = columns > 0 ? std::ssize(values) / columns : 0;
#pragma omp parallel for schedule(static)
  for (std::int64_t r = 0; r < rows; ++r) work(values.subspan(r * columns, columns));
}

void round_to_integers(std::span<float> values, float most) {
  round_in_units(values, most,
                 [&](float scaled) { return std::clamp(std::nearbyint(scaled), -most, most); });
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
    case DType::kInt8:
    case DType::kInt4:
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

float e4m3_scale(float largest) { return scale_of(largest, kLargestE4m3); }

void round_rows_to_e4m3(std::span<float> values, std::int64_t columns) {
  for_rows(values, columns,
           [](std::span<float> row) { round_in_units(row, kLargestE4m3, round_to_e4m3); });
}

void round_weights(DType dtype, std::span<float> values, std::int64_t columns) {
  switch (dtype) {
    case DType::kE4m3:
      return round_rows_to_e4m3(values, columns);
    case DType::kInt8:
      return for_rows(values, columns,
                      [](std::span<float> row) { round_to_integers(row, kLargestInt8); });
    case DType::kInt4:
      return for_rows(values, columns, [](std::span<float> row) {
        for (std::size_t k = 0; k < row.size(); k += kInt4Group) {
          round_to_integers(row.subspan(k, std::min<std::size_t>(kInt4Group, row.size() - k)),
                            kLargestInt4);
        }
      });
    default:
      return for_rows(values, columns, [&](std::span<float> row) {
        for (float& v : row) v = round_to(dtype, v);
      });
  }
}

bool has_16_bits(DType dtype) { return dtype != DType::kF32 && dtype != DType::kTf32; }

std::uint16_t bits_of(DType dtype, float v) {
  return dtype == DType::kF16 ? reference::to_f16(v) : reference::to_bf16(v);
}

double weight_bytes(DType dtype) {
  if (dtype == DType::kInt4) return 0.5 + 1.0 / kInt4Group;
  return dtype == DType::kE4m3 || dtype == DType::kInt8 ? 1 : has_16_bits(dtype) ? 2 : 4;
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
    case DType::kInt8:
    case DType::kInt4:  // half a scale, which is at most 2 / 32767 of the largest
      return {.row_step = 1.0 / 32767};
  }
  return {};
}

}  // namespace moe::harness
