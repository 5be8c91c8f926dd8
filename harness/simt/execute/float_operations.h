// What the floating-point instructions compute, for one lane, in every rounding mode and without
// touching the floating-point environment: f32 results are formed in double, rounded to odd, and
// then rounded to float. (Double has more than twice a float's digits plus two, so the second
// rounding sees all it needs: Boldo and Melquiond, "Emulation of FMA and correctly rounded sums",
// 2008.)
#pragma once
#include <cmath>
#include <type_traits>

#include "harness/simt/execute/formats.h"

namespace moe::simt {

inline bool sign_of(float value) { return std::bit_cast<std::uint32_t>(value) >> 31; }
inline bool sign_of(double value) { return std::bit_cast<std::uint64_t>(value) >> 63; }

inline float canonical_nan(float value) {
  return value != value ? std::bit_cast<float>(kNanF32) : value;
}
// PTX says nothing of the bits of a double's NaN.
inline double canonical_nan(double value) {
  return value != value ? std::bit_cast<double>(kNanF64) : value;
}

// .ftz: subnormals become zero and keep their sign.
template <bool kFtz>
inline float flush(float value) {
  if constexpr (!kFtz) return value;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  return std::bit_cast<float>((bits & 0x7f800000) == 0 ? bits & 0x80000000 : bits);
}

// .sat: to [0, 1]; NaN and -0 become +0.
inline float saturate(float value) {
  const float at_least_zero = value > 0.0f ? value : 0.0f;
  return at_least_zero < 1.0f ? at_least_zero : 1.0f;
}

// .relu: negative values and -0 become +0; NaN stays.
inline float relu(float value) {
  const float positive = value > 0.0f ? value : 0.0f;
  return value != value ? value : positive;
}

// value + error, rounded to odd; value is the nearest double of that sum.
inline double to_odd(double value, double error) {
  std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
  const std::uint64_t too_large =
      (bits ^ std::bit_cast<std::uint64_t>(error)) >> 63;  // opposite signs
  const bool inexact = (error < 0) | (error > 0);          // false for the NaN of infinite values
  const std::uint64_t truncated = bits - too_large;
  bits = inexact ? truncated | 1 : bits;
  return std::bit_cast<double>(bits);
}

inline float to_odd(float value, float error) {
  std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t too_large =
      (bits ^ std::bit_cast<std::uint32_t>(error)) >> 31;  // opposite signs
  const bool inexact = (error < 0) | (error > 0);
  const std::uint32_t truncated = bits - too_large;
  bits = inexact ? truncated | 1 : bits;
  return std::bit_cast<float>(bits);
}

// a + b, rounded to odd. The error is exact (Knuth's two-sum).
template <class T>
T sum_to_odd(T a, T b) {
  const T sum = a + b;
  const T b_part = sum - a;
  const T error = (a - (sum - b_part)) + (b - b_part);
  return to_odd(sum, error);
}

// a + b rounded once to float; a and b are floats or a product of two.
template <Rounding R>
float rounded_sum(double a, double b) {
  double sum = sum_to_odd(a, b);
  // An exact zero from operands of different signs is -0 when rounding down (IEEE 754, 6.3).
  if constexpr (R == Rounding::kDown) sum = sum == 0 && (sign_of(a) | sign_of(b)) ? -0.0 : sum;
  return to_float<R>(sum);
}

// nvcc emits other roundings for intrinsics alone (__fadd_rz).
constexpr bool is_rare(Rounding rounding) { return rounding != Rounding::kNearest; }

template <Rounding R>
struct FloatAdd {
  static constexpr bool kSlow = is_rare(R);
  float operator()(float a, float b) const {
    if constexpr (R == Rounding::kNearest) return a + b;
    return rounded_sum<R>(a, b);
  }
};

template <Rounding R>
struct FloatSub {
  static constexpr bool kSlow = is_rare(R);
  float operator()(float a, float b) const {
    if constexpr (R == Rounding::kNearest) return a - b;
    return rounded_sum<R>(a, -static_cast<double>(b));
  }
};

template <Rounding R>
struct FloatMul {
  static constexpr bool kSlow = is_rare(R);
  float operator()(float a, float b) const {
    if constexpr (R == Rounding::kNearest) return a * b;
    return to_float<R>(static_cast<double>(a) * b);  // the product of two floats is exact
  }
};

template <Rounding R>
struct FloatFma {
  static constexpr bool kSlow = is_rare(R);
  float operator()(float a, float b, float c) const {
    if constexpr (R == Rounding::kNearest) return std::fma(a, b, c);
    return rounded_sum<R>(static_cast<double>(a) * b, c);
  }
};

template <Rounding R>
struct FloatDiv {
  static constexpr bool kSlow = is_rare(R);
  float operator()(float a, float b) const {
    if constexpr (R == Rounding::kNearest) return a / b;
    const double quotient = static_cast<double>(a) / b;
    const double rest = std::fma(-quotient, static_cast<double>(b), static_cast<double>(a));
    return to_float<R>(to_odd(quotient, sign_of(b) ? -rest : rest));
  }
};

template <Rounding R>
struct FloatRcp {
  static constexpr bool kSlow = is_rare(R);
  float operator()(float a) const { return FloatDiv<R>{}(1.0f, a); }
};

template <Rounding R>
struct FloatSqrt {
  static constexpr bool kSlow = is_rare(R);
  float operator()(float a) const {
    if constexpr (R == Rounding::kNearest) return std::sqrt(a);
    const double root = std::sqrt(static_cast<double>(a));
    return to_float<R>(to_odd(root, std::fma(-root, root, static_cast<double>(a))));
  }
};

// An f32 operation with its modifiers: operands flushed, result flushed, NaN made canonical.
template <class Op, bool kFtz, bool kSat = false>
struct Modified {
  static constexpr bool kSlow = requires { requires Op::kSlow; };
  template <class... T>
  float operator()(T... operands) const {
    const float result = flush<kFtz>(Op{}(flush<kFtz>(operands)...));
    return kSat ? saturate(result) : canonical_nan(result);
  }
};

enum class NanRule : std::uint8_t { kIgnored, kPropagated };  // without and with .NaN

// min, max: -0 is less than +0. A NaN is left out, unless both are, or .NaN is given.
template <bool kMax, NanRule kNan>
struct Extremum {
  template <class T>
  T operator()(T a, T b) const {
    // Equal values differ at most in the sign of zero: `or` gives -0, `and` gives +0.
    using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
    const Bits a_bits = std::bit_cast<Bits>(a);
    const Bits b_bits = std::bit_cast<Bits>(b);
    const T equal = std::bit_cast<T>(kMax ? a_bits & b_bits : a_bits | b_bits);
    const bool a_wins = kMax ? a > b : a < b;
    T result = a_wins ? a : b;
    result = a == b ? equal : result;
    if constexpr (kNan == NanRule::kIgnored) {
      result = a != a ? b : result;
      result = b != b ? a : result;
    } else {
      result = a != a ? a : result;
      result = b != b ? b : result;
    }
    return canonical_nan(result);
  }
};

inline float magnitude(float value) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & 0x7fffffff);
}

// .xorsign.abs: the extremum of the magnitudes, its sign the exclusive or of the operands'.
template <bool kMax, NanRule kNan>
struct XorsignExtremum {
  static constexpr bool kSlow = true;  // rare
  float operator()(float a, float b) const {
    const float result = Extremum<kMax, kNan>{}(magnitude(a), magnitude(b));
    const std::uint32_t signs =
        (std::bit_cast<std::uint32_t>(a) ^ std::bit_cast<std::uint32_t>(b)) & 0x80000000;
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(result) | signs;
    return canonical_nan(std::bit_cast<float>(bits));
  }
};

// Three operands, of their magnitudes with .abs (sm_100).
template <bool kMax, NanRule kNan, bool kAbs>
struct Extremum3 {
  float operator()(float a, float b, float c) const {
    using Two = Extremum<kMax, kNan>;
    if constexpr (kAbs) return Two{}(Two{}(magnitude(a), magnitude(b)), magnitude(c));
    return Two{}(Two{}(a, b), c);
  }
};

}  // namespace moe::simt
