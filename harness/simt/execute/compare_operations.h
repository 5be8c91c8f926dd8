// Comparisons of setp and set, for one lane. Source: PTX ISA 9.0, "Comparisons".
#pragma once
#include <cstdint>
#include <string_view>

namespace moe::simt {

// lo ls hi hs are lt le gt ge of unsigned integers.
enum class Comparison : std::uint8_t {
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,
  kEqu,
  kNeu,
  kLtu,
  kLeu,
  kGtu,
  kGeu,  // of floats: true as well when an operand is NaN
  kNum,
  kNan,  // neither is NaN; one is
};

// ne of floats is false when an operand is NaN, unlike C's.
template <Comparison kComparison>
struct Compare {
  template <class T>
  bool operator()(T a, T b) const {
    using enum Comparison;
    if constexpr (kComparison == kEq) return a == b;
    if constexpr (kComparison == kNe) return (a < b) | (a > b);
    if constexpr (kComparison == kLt) return a < b;
    if constexpr (kComparison == kLe) return a <= b;
    if constexpr (kComparison == kGt) return a > b;
    if constexpr (kComparison == kGe) return a >= b;
    if constexpr (kComparison == kEqu) return !((a < b) | (a > b));
    if constexpr (kComparison == kNeu) return !(a == b);
    if constexpr (kComparison == kLtu) return !(a >= b);
    if constexpr (kComparison == kLeu) return !(a > b);
    if constexpr (kComparison == kGtu) return !(a <= b);
    if constexpr (kComparison == kGeu) return !(a < b);
    if constexpr (kComparison == kNum) return (a == a) & (b == b);
    if constexpr (kComparison == kNan) return (a != a) | (b != b);
  }
};

}  // namespace moe::simt
