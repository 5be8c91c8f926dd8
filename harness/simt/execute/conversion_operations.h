// What cvt computes, for one lane. Source: PTX ISA 9.0, "cvt".
#pragma once
#include <cmath>
#include <concepts>
#include <limits>
#include <utility>

#include "harness/simt/execute/elementwise.h"
#include "harness/simt/execute/float_operations.h"

namespace moe::simt {

// Integer to integer: cut or extended; with .sat clamped to the range of T.
template <std::integral T, bool kSat>
struct ToInteger {
  template <std::integral S>
  T operator()(S value) const {
    if constexpr (kSat) {
      using Limits = std::numeric_limits<T>;
      if (std::cmp_less(value, Limits::min())) return Limits::min();
      if (std::cmp_greater(value, Limits::max())) return Limits::max();
    }
    return static_cast<T>(value);
  }
};

// An integer as a double rounded so; exact up to 53 bits.
template <Rounding R, std::integral S>
double integer_to_double(S value) {
  if constexpr (sizeof(S) < 8) return static_cast<double>(value);
  const bool negative = value < 0;
  const std::uint64_t bits = static_cast<std::uint64_t>(value);
  const std::uint64_t magnitude = negative ? 0 - bits : bits;
  const int lost = magnitude >> 53 == 0 ? 0 : 11 - std::countl_zero(magnitude);
  if (lost == 0) return negative ? -static_cast<double>(magnitude) : static_cast<double>(magnitude);
  std::uint64_t kept = magnitude >> lost;
  const std::uint32_t rest = static_cast<std::uint32_t>(magnitude & ((1u << lost) - 1));
  kept += rounds_up<R>(static_cast<std::uint32_t>(kept & 1), rest, 1u << (lost - 1), negative);
  const double result = static_cast<double>(kept) * static_cast<double>(1u << lost);
  return negative ? -result : result;
}

inline double saturate(double value) {
  const double at_least_zero = value > 0.0 ? value : 0.0;
  return at_least_zero < 1.0 ? at_least_zero : 1.0;
}

// Integer to f32 or f64.
template <std::floating_point T, Rounding R, bool kSat>
struct IntegerToFloat {
  static constexpr bool kSlow = is_rare(R) || kSat;
  template <std::integral S>
  T operator()(S value) const {
    T result = 0;
    if constexpr (R == Rounding::kNearest) {
      result = static_cast<T>(value);
    } else if constexpr (std::is_same_v<T, double>) {
      result = integer_to_double<R>(value);
    } else {
      result = to_float<R>(integer_to_double<Rounding::kOdd>(value));
    }
    return kSat ? saturate(result) : result;
  }
};

// Integer to a 16-bit format.
template <FloatFormat const& F, Rounding R, bool kSat>
struct IntegerToHalf {
  static constexpr bool kSlow = is_rare(R) || kSat;
  template <std::integral S>
  std::uint32_t operator()(S value) const {
    const float odd = to_float<Rounding::kOdd>(integer_to_double<Rounding::kOdd>(value));
    return encode<F, R>(kSat ? saturate(odd) : odd);
  }
};

// .rni .rzi .rmi .rpi: to an integral value.
template <Rounding R, std::floating_point V>
V to_integral(V value) {
  if constexpr (R == Rounding::kNearest) return std::rint(value);
  if constexpr (R == Rounding::kZero) return std::trunc(value);
  if constexpr (R == Rounding::kDown) return std::floor(value);
  return std::ceil(value);
}

template <bool kFtz>
double flush(double value) {
  return value;
}

// Float to integer: out of range it is clamped. NaN becomes 0, but 1 << (bits - 1) where the source
// is f64 or the destination has 64 bits.
template <std::integral T, Rounding R, bool kFtz, bool kFromDouble>
struct FloatToInteger {
  static constexpr bool kSlow = R == Rounding::kDown || R == Rounding::kUp || sizeof(T) == 1;
  template <std::floating_point V>
  T operator()(V value) const {
    using Limits = std::numeric_limits<T>;
    constexpr V kAbove = static_cast<V>(Limits::max() / 2 + 1) * 2;  // exact: a power of two
    constexpr V kLowest = static_cast<V>(Limits::min());
    constexpr T kOfNan =
        kFromDouble || sizeof(T) == 8 ? static_cast<T>(T{1} << (8 * sizeof(T) - 1)) : T{0};
    const V integral = to_integral<R>(flush<kFtz>(value));
    const bool inside = (integral >= kLowest) & (integral < kAbove);
    T result = static_cast<T>(inside ? integral : V{0});
    result = integral >= kAbove ? Limits::max() : result;
    result = integral < kLowest ? Limits::min() : result;
    return integral != integral ? kOfNan : result;
  }
};

// f32 or f64 to f32 or f64 of another width.
template <std::floating_point T, Rounding R, bool kFtz, bool kSat>
struct FloatToFloat {
  static constexpr bool kSlow = is_rare(R) || kSat;
  template <std::floating_point V>
  T operator()(V value) const {
    T result = 0;
    if constexpr (std::is_same_v<V, double> && std::is_same_v<T, float>) {
      result = flush<kFtz>(to_float<R>(value));
    } else {
      result = static_cast<T>(flush<kFtz>(value));
    }
    return kSat ? saturate(result) : canonical_nan(result);
  }
};

// To the same type: rounded to an integral value, or (kCopied) not rounded.
template <Rounding R, bool kCopied, bool kFtz, bool kSat>
struct FloatToIntegral {
  static constexpr bool kSlow = kSat;
  template <std::floating_point V>
  V operator()(V value) const {
    const V flushed = flush<kFtz>(value);
    const V result = kCopied ? flushed : to_integral<R>(flushed);
    return kSat ? saturate(result) : canonical_nan(result);
  }
};

enum class Limit : std::uint8_t { kNone, kSat, kRelu, kSatfinite, kReluSatfinite };

inline float narrowed(float value) { return value; }
inline float narrowed(double value) { return to_float<Rounding::kOdd>(value); }

// A float to a narrower format.
template <FloatFormat const& F, Rounding R, Limit kLimit = Limit::kNone, bool kFtz = false>
struct ToFormat {
  static constexpr bool kSlow = is_rare(R) || kLimit == Limit::kSat;
  template <std::floating_point V>
  std::uint32_t operator()(V value) const {
    float wide = narrowed(flush<kFtz>(value));
    if constexpr (kLimit == Limit::kSat) wide = saturate(wide);
    if constexpr (kLimit == Limit::kRelu || kLimit == Limit::kReluSatfinite) wide = relu(wide);
    return encode<F, R>(wide, kLimit == Limit::kSatfinite || kLimit == Limit::kReluSatfinite);
  }
};

}  // namespace moe::simt
