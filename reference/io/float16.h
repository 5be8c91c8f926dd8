#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

namespace moe::reference {

// The 16-bit float of kMantissa mantissa bits nearest to `value`, ties to the even mantissa. `Wide`
// is float or double: a double is rounded once, never through float. Too large becomes infinity; a
// NaN keeps the sign and the top of its payload.
template <int kMantissa, class Wide>
std::uint16_t round_to_16_bits(Wide value) {
  using Bits = std::conditional_t<sizeof(Wide) == 8, std::uint64_t, std::uint32_t>;
  constexpr int kWideMantissa = sizeof(Wide) == 8 ? 52 : 23;
  constexpr int kWideBias = sizeof(Wide) == 8 ? 1023 : 127;
  constexpr int kBias = (1 << (14 - kMantissa)) - 1;
  constexpr std::uint64_t kInfinity = ((std::uint64_t{1} << (15 - kMantissa)) - 1) << kMantissa;
  constexpr std::uint64_t kOne = std::uint64_t{1} << kWideMantissa;  // the hidden leading bit

  const std::uint64_t bits = std::bit_cast<Bits>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> (8 * sizeof(Wide) - 1) << 15);
  const std::uint64_t mantissa = bits & (kOne - 1);
  if (std::isnan(value)) {
    const std::uint64_t payload = mantissa >> (kWideMantissa - kMantissa);
    return static_cast<std::uint16_t>(sign | kInfinity |
                                      (payload ? payload : 1U << (kMantissa - 1)));
  }
  const int stored = static_cast<int>((bits >> kWideMantissa) & (2 * kWideBias + 1));
  const std::uint64_t significand = mantissa | (stored > 0 ? kOne : 0);
  const int exponent = std::max(stored, 1) - kWideBias + kBias;  // as the narrow type stores it
  // Below exponent 1 the narrow type has no hidden bit: the significand shifts right instead.
  const int shift = kWideMantissa - kMantissa + (exponent < 1 ? 1 - exponent : 0);
  if (shift > kWideMantissa + 1) return sign;  // less than half of the smallest number
  // The hidden bit adds 1 to the exponent field, and so may a carry out of the mantissa.
  const std::uint64_t whole =
      significand + (static_cast<std::uint64_t>(std::max(exponent, 1) - 1) << kWideMantissa);
  const std::uint64_t rest = whole & ((std::uint64_t{1} << shift) - 1);
  const std::uint64_t half = std::uint64_t{1} << (shift - 1);
  std::uint64_t rounded = whole >> shift;
  if (rest > half || (rest == half && rounded % 2 == 1)) ++rounded;
  return static_cast<std::uint16_t>(sign | std::min(rounded, kInfinity));
}

// bfloat16: float's exponent, 7 mantissa bits.
template <class Wide>
std::uint16_t to_bf16(Wide value) {
  return round_to_16_bits<7>(value);
}
inline float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// IEEE 754 binary16: 5 exponent bits, 10 mantissa bits.
template <class Wide>
std::uint16_t to_f16(Wide value) {
  return round_to_16_bits<10>(value);
}
inline float from_f16(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1FU;
  const std::uint32_t mantissa = bits & 0x3FFU;
  if (exponent == 0) {  // mantissa x 2^-24 is a normal float
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  const std::uint32_t widened = exponent == 31 ? 255 : exponent - 15 + 127;
  return std::bit_cast<float>(sign | widened << 23 | mantissa << 13);
}

}  // namespace moe::reference
