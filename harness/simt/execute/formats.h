// Number formats: f16, bf16, tf32, e4m3 and e5m2 to and from float, in every rounding mode; double
// to float likewise. No floating-point environment is touched: bits are rounded as integers, so the
// loops over lanes vectorise (which is also why `&` and `|` stand where `&&` and `||` would do,
// and why inlining is not left to the compiler).
// Source: PTX ISA 9.0, "Alternate Floating-Point Data Formats", "cvt".
#pragma once
#include <bit>
#include <cstdint>

namespace moe::simt {

enum class Rounding : std::uint8_t {
  kNearest,  // .rn: ties to even
  kZero,     // .rz
  kDown,     // .rm
  kUp,       // .rp
  kAway,     // .rna: nearest, ties away from zero
  kOdd,      // inexact results get an odd last bit: a second, narrower rounding is then right
};

inline constexpr std::uint32_t kNanF32 = 0x7fffffff;  // the canonical NaN of PTX
inline constexpr std::uint64_t kNanF64 = 0x7fffffffffffffffull;
inline constexpr std::uint32_t kNanF16 = 0x7fff;  // of bf16 too

// A sign bit, `exponent` bits, `mantissa` bits; the codes are without the sign.
struct FloatFormat {
  int exponent;
  int mantissa;
  std::uint32_t largest;   // finite
  std::uint32_t infinity;  // what overflows to; e4m3 has none: NaN
  std::uint32_t nan;
  int low_zeros = 0;  // tf32 keeps its 19 bits at the top of 32

  constexpr int bias() const { return (1 << (exponent - 1)) - 1; }
  constexpr int sign_bit() const { return exponent + mantissa; }
};
inline constexpr FloatFormat kF16{5, 10, 0x7bff, 0x7c00, kNanF16};
inline constexpr FloatFormat kBf16{8, 7, 0x7f7f, 0x7f80, kNanF16};
inline constexpr FloatFormat kTf32{8, 10, 0x3fbff, 0x3fc00, 0x3ffff, 13};
inline constexpr FloatFormat kE4m3{4, 3, 0x7e, 0x7f, 0x7f};
inline constexpr FloatFormat kE5m2{5, 2, 0x7b, 0x7c, 0x7f};

// Whether a magnitude `kept` with the bits `rest` cut off (`half` is one half of the last kept bit)
// goes up by one: 1 or 0.
template <Rounding R>
constexpr std::uint32_t rounds_up(std::uint32_t kept, std::uint32_t rest, std::uint32_t half,
                                  bool negative) {
  if constexpr (R == Rounding::kNearest) return rest + (kept & 1) > half ? 1 : 0;
  if constexpr (R == Rounding::kAway) return rest >= half ? 1 : 0;
  if constexpr (R == Rounding::kDown) return ((rest != 0) & negative) ? 1 : 0;
  if constexpr (R == Rounding::kUp) return ((rest != 0) & !negative) ? 1 : 0;
  if constexpr (R == Rounding::kOdd) return rest != 0 ? ~kept & 1 : 0;
  return 0;
}

// Whether overflow in this mode gives infinity rather than the largest finite value.
template <Rounding R>
constexpr bool overflows(bool negative) {
  if constexpr (R == Rounding::kDown) return negative;
  if constexpr (R == Rounding::kUp) return !negative;
  return R == Rounding::kNearest || R == Rounding::kAway;
}

// `value` in format F, in the low bits. With `saturate` (.satfinite) what lies beyond the largest
// finite value, infinity included, becomes that value. NaN becomes the format's positive NaN.
template <FloatFormat const& F, Rounding R = Rounding::kNearest>
[[gnu::always_inline]] constexpr std::uint32_t encode(float value, bool saturate = false) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const bool negative = bits >> 31;
  const std::uint32_t magnitude = bits & 0x7fffffff;
  const std::uint32_t raw_exponent = magnitude >> 23;
  const std::uint32_t significand = (magnitude & 0x7fffff) | (raw_exponent != 0 ? 0x800000u : 0u);
  // In the target's bias; below 1 the result is subnormal and loses that many bits more.
  const int exponent = static_cast<int>(raw_exponent != 0 ? raw_exponent : 1) - 127 + F.bias();
  const int lost = 23 - F.mantissa + (exponent < 1 ? 1 - exponent : 0);
  const int cut = lost < 25 ? lost : 25;  // of 24 bits: 25 keeps "less than half" true
  const std::uint32_t kept = significand >> cut;
  const std::uint32_t rest = significand & ((1u << cut) - 1);
  const std::uint32_t up = rounds_up<R>(kept, rest, 1u << (cut - 1), negative);
  const std::uint32_t floor = static_cast<std::uint32_t>(exponent > 1 ? exponent - 1 : 0)
                              << F.mantissa;
  std::uint32_t code = floor + kept + up;
  const bool infinite = magnitude == 0x7f800000;
  const bool to_infinity = saturate ? false : (infinite | overflows<R>(negative));
  code = ((code > F.largest) | infinite) ? (to_infinity ? F.infinity : F.largest) : code;
  code |= static_cast<std::uint32_t>(negative) << F.sign_bit();
  code = magnitude > 0x7f800000 ? F.nan : code;
  return code << F.low_zeros;
}

// The value of the low bits of `code`; exact. NaN becomes the canonical one.
template <FloatFormat const& F>
[[gnu::always_inline]] constexpr float decode(std::uint32_t code) {
  const std::uint32_t bits = code >> F.low_zeros;
  const std::uint32_t magnitude = bits & ((1u << F.sign_bit()) - 1);
  const std::uint32_t sign = (bits >> F.sign_bit() & 1) << 31;
  // The fields at a float's place, then the bias made good by a power of two: right for subnormals
  // too.
  constexpr float scale =
      std::bit_cast<float>(static_cast<std::uint32_t>(127 + 127 - F.bias()) << 23);
  const float scaled = std::bit_cast<float>(magnitude << (23 - F.mantissa)) * scale;
  std::uint32_t result = std::bit_cast<std::uint32_t>(scaled);
  result = magnitude > F.largest ? 0x7f800000 : result;
  result |= sign;
  // e4m3 has NaN where the others have infinity.
  const bool nan = magnitude > (F.infinity == F.nan ? F.largest : F.infinity);
  return std::bit_cast<float>(nan ? kNanF32 : result);
}

inline constexpr float from_f16(std::uint32_t code) { return decode<kF16>(code); }
inline constexpr float from_bf16(std::uint32_t code) {
  const std::uint32_t bits = (code & 0xffff) << 16;
  return std::bit_cast<float>((bits & 0x7fffffff) > 0x7f800000 ? kNanF32 : bits);
}
// What a tensor core reads from a tf32 operand: the low 13 bits do not count.
inline constexpr float from_tf32(std::uint32_t code) {
  return std::bit_cast<float>(code & 0xffffe000u);
}
inline constexpr float from_e4m3(std::uint32_t code) { return decode<kE4m3>(code & 0xff); }
inline constexpr float from_e5m2(std::uint32_t code) { return decode<kE5m2>(code & 0xff); }

template <Rounding R = Rounding::kNearest>
constexpr std::uint32_t to_f16(float value) {
  return encode<kF16, R>(value);
}
template <Rounding R = Rounding::kNearest>
constexpr std::uint32_t to_bf16(float value) {
  return encode<kBf16, R>(value);
}

// `value` rounded to float. NaN stays a NaN (not made canonical).
template <Rounding R = Rounding::kNearest>
constexpr float to_float(double value) {
  const float nearest = static_cast<float>(value);
  if constexpr (R == Rounding::kNearest) return nearest;
  const double back = nearest;
  std::uint32_t bits = std::bit_cast<std::uint32_t>(nearest);
  const bool negative = bits >> 31;
  // The nearest may be one step of magnitude too far, or one too short; which, the mode decides.
  const bool beyond = negative ? back < value : back > value;
  const bool short_of = negative ? back > value : back < value;
  const std::uint32_t shorter = beyond ? bits - 1 : bits;
  const std::uint32_t longer = short_of ? bits + 1 : bits;
  if constexpr (R == Rounding::kZero) bits = shorter;
  if constexpr (R == Rounding::kDown) bits = negative ? longer : shorter;
  if constexpr (R == Rounding::kUp) bits = negative ? shorter : longer;
  if constexpr (R == Rounding::kOdd) bits = back != value ? shorter | 1 : bits;
  return std::bit_cast<float>(bits);
}

}  // namespace moe::simt
