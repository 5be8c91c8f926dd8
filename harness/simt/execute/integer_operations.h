// What the integer instructions compute, for one lane. T is std::uint16_t .. std::int64_t.
#pragma once
#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace moe::simt {

// Wrapping arithmetic: done in the unsigned type of at least 32 bits, where overflow is defined.
template <std::integral T>
using Wrapping = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

template <std::integral T>
struct IntegerAdd {
  T operator()(T a, T b) const { return static_cast<T>(Wrapping<T>(a) + Wrapping<T>(b)); }
};

template <std::integral T>
struct IntegerSub {
  T operator()(T a, T b) const { return static_cast<T>(Wrapping<T>(a) - Wrapping<T>(b)); }
};

inline std::int32_t saturate_s32(std::int64_t value) {
  using Limits = std::numeric_limits<std::int32_t>;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(value, Limits::min(), Limits::max()));
}

struct SaturatingAdd {
  std::int32_t operator()(std::int32_t a, std::int32_t b) const {
    return saturate_s32(std::int64_t{a} + b);
  }
};

struct SaturatingSub {
  std::int32_t operator()(std::int32_t a, std::int32_t b) const {
    return saturate_s32(std::int64_t{a} - b);
  }
};

template <std::integral T>
struct MultiplyLow {
  T operator()(T a, T b) const { return static_cast<T>(Wrapping<T>(a) * Wrapping<T>(b)); }
};

// The type of twice the bits.
template <std::integral T>
struct Wider;
template <>
struct Wider<std::uint16_t> {
  using type = std::uint32_t;
};
template <>
struct Wider<std::int16_t> {
  using type = std::int32_t;
};
template <>
struct Wider<std::uint32_t> {
  using type = std::uint64_t;
};
template <>
struct Wider<std::int32_t> {
  using type = std::int64_t;
};
__extension__ typedef unsigned __int128 Unsigned128;
__extension__ typedef __int128 Signed128;
template <>
struct Wider<std::uint64_t> {
  using type = Unsigned128;
};
template <>
struct Wider<std::int64_t> {
  using type = Signed128;
};

template <std::integral T>
struct MultiplyWide {
  using W = typename Wider<T>::type;
  W operator()(T a, T b) const { return static_cast<W>(a) * static_cast<W>(b); }
};

template <std::integral T>
struct MultiplyHigh {
  static constexpr bool kSlow = sizeof(T) == 8;
  T operator()(T a, T b) const {
    return static_cast<T>(MultiplyWide<T>{}(a, b) >> (8 * sizeof(T)));
  }
};

// Product (one of the above), plus c.
template <class Multiply, std::integral C>
struct MultiplyAdd {
  template <std::integral T>
  C operator()(T a, T b, C c) const {
    return IntegerAdd<C>{}(static_cast<C>(Multiply{}(a, b)), c);
  }
};

// mad.hi.sat.s32.
template <class Multiply>
struct SaturatingMultiplyAdd {
  std::int32_t operator()(std::int32_t a, std::int32_t b, std::int32_t c) const {
    return saturate_s32(std::int64_t{Multiply{}(a, b)} + c);
  }
};

// The 48-bit product of the low 24 bits: its low 32 bits, or bits 16 to 47.
template <std::integral T, bool kHigh>
struct Multiply24 {
  using W = typename Wider<T>::type;
  static W low24(T a) {
    return static_cast<T>(static_cast<T>(static_cast<std::uint32_t>(a) << 8) >> 8);
  }
  T operator()(T a, T b) const { return static_cast<T>((low24(a) * low24(b)) >> (kHigh ? 16 : 0)); }
};

template <std::integral T>
struct AbsoluteDifference {
  T operator()(T a, T b, T c) const {
    const Wrapping<T> difference =
        a < b ? Wrapping<T>(b) - Wrapping<T>(a) : Wrapping<T>(a) - Wrapping<T>(b);
    return static_cast<T>(Wrapping<T>(c) + difference);
  }
};

// Division by zero "yields an unspecified, machine-specific value": all ones here. The quotient of
// the most negative number and -1 wraps.
template <std::integral T>
struct IntegerDiv {
  static constexpr bool kSlow = true;
  T operator()(T a, T b) const {
    if (b == 0) return static_cast<T>(-1);
    if (std::is_signed_v<T> && b == static_cast<T>(-1)) return IntegerSub<T>{}(0, a);
    return static_cast<T>(a / b);
  }
};

// a - b * div(a, b); of a division by zero, unspecified as well: a.
template <std::integral T>
struct IntegerRem {
  static constexpr bool kSlow = true;
  T operator()(T a, T b) const {
    if (b == 0) return a;
    if (std::is_signed_v<T> && b == static_cast<T>(-1)) return 0;
    return static_cast<T>(a % b);
  }
};

template <std::integral T>
struct IntegerNeg {
  T operator()(T a) const { return IntegerSub<T>{}(0, a); }
};

template <std::integral T>
struct IntegerAbs {
  T operator()(T a) const { return a < 0 ? IntegerSub<T>{}(0, a) : a; }
};

template <std::integral T, bool kRelu>
struct IntegerMin {
  T operator()(T a, T b) const {
    const T smaller = a < b ? a : b;
    return kRelu && smaller < 0 ? T{0} : smaller;
  }
};

template <std::integral T, bool kRelu>
struct IntegerMax {
  T operator()(T a, T b) const {
    const T larger = a < b ? b : a;
    return kRelu && larger < 0 ? T{0} : larger;
  }
};

// c plus the sum of the products of four bytes of a and of b.
template <std::integral A, std::integral B>
struct DotProduct4 {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b, std::uint32_t c) const {
    for (int shift = 0; shift < 32; shift += 8) {
      const std::int32_t product = static_cast<A>(a >> shift) * static_cast<B>(b >> shift);
      c += static_cast<std::uint32_t>(product);
    }
    return c;
  }
};

// c plus the products of the two 16-bit halves of a and bytes 0, 1 (or 2, 3 with kHigh) of b.
template <std::integral A, std::integral B, bool kHigh>
struct DotProduct2 {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b, std::uint32_t c) const {
    const std::uint32_t bytes = kHigh ? b >> 16 : b;
    const std::int32_t low = static_cast<A>(a) * static_cast<B>(bytes);
    const std::int32_t high = static_cast<A>(a >> 16) * static_cast<B>(bytes >> 8);
    return c + static_cast<std::uint32_t>(low) + static_cast<std::uint32_t>(high);
  }
};

}  // namespace moe::simt
