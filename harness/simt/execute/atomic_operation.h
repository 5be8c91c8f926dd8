// The arithmetic of atom and red, as functions of the bits in memory and the operand's bits.
// Source: PTX ISA 9.0, "atom" (table "Atom Scalar Type Operations" and its vector companion).
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "harness/simt/execute/formats.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt {

enum class AtomicName : std::uint8_t {
  kAdd,
  kInc,
  kDec,
  kMin,
  kMax,
  kAnd,
  kOr,
  kXor,
  kExchange,
  kCompareAndSwap
};

// The new bits, of the old ones and the operand's.
using AtomicFunction = std::uint64_t (*)(std::uint64_t old, std::uint64_t operand);

namespace atomics {

// Sign-preserving zero for a subnormal: what atom.add.f32 does in global memory.
inline float flushed(float value) {
  return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0f, value) : value;
}

inline std::uint32_t bits_of_sum(float sum) {
  return std::isnan(sum) ? kNanF32 : std::bit_cast<std::uint32_t>(sum);
}

inline std::uint64_t add_f32(std::uint64_t old, std::uint64_t operand) {
  return bits_of_sum(std::bit_cast<float>(static_cast<std::uint32_t>(old)) +
                     std::bit_cast<float>(static_cast<std::uint32_t>(operand)));
}

inline std::uint64_t add_f32_flushing(std::uint64_t old, std::uint64_t operand) {
  return bits_of_sum(flushed(flushed(std::bit_cast<float>(static_cast<std::uint32_t>(old))) +
                             flushed(std::bit_cast<float>(static_cast<std::uint32_t>(operand)))));
}

inline std::uint64_t add_f64(std::uint64_t old, std::uint64_t operand) {
  const double sum = std::bit_cast<double>(old) + std::bit_cast<double>(operand);
  return std::isnan(sum) ? kNanF64 : std::bit_cast<std::uint64_t>(sum);
}

// min and max as the instructions of that name: the number if one is NaN, -0 below +0.
template <bool kGreater>
float extreme(float a, float b) {
  if (std::isnan(a)) return b;
  if (std::isnan(b)) return a;
  if (a == b) return std::signbit(a) == kGreater ? b : a;
  return (a < b) == kGreater ? b : a;
}

struct SumOfFloats {
  static float apply(float a, float b) { return a + b; }
};
template <bool kGreater>
struct ExtremeOfFloats {
  static float apply(float a, float b) { return extreme<kGreater>(a, b); }
};

// f16 and bf16: float's 24 bits are more than 2 * 11 + 2, so rounding twice is rounding once.
template <class Operation>
std::uint64_t on_f16(std::uint64_t old, std::uint64_t operand) {
  return to_f16(Operation::apply(from_f16(old & 0xffff), from_f16(operand & 0xffff)));
}
template <class Operation>
std::uint64_t on_bf16(std::uint64_t old, std::uint64_t operand) {
  return to_bf16(Operation::apply(from_bf16(old & 0xffff), from_bf16(operand & 0xffff)));
}
// Both halves of a packed pair.
template <AtomicFunction kHalf>
std::uint64_t on_pair(std::uint64_t old, std::uint64_t operand) {
  return kHalf(old & 0xffff, operand & 0xffff) | kHalf(old >> 16, operand >> 16) << 16;
}

// Integers. T gives the width and the order.
template <class T>
T as_integer(std::uint64_t bits) {
  return static_cast<T>(bits);
}
template <class T>
std::uint64_t bits_of(T value) {
  return static_cast<std::make_unsigned_t<T>>(value);
}
template <class T>
std::uint64_t add_integer(std::uint64_t old, std::uint64_t operand) {
  return bits_of(as_integer<T>(old + operand));
}
template <class T>
std::uint64_t min_integer(std::uint64_t old, std::uint64_t operand) {
  return bits_of(as_integer<T>(old) < as_integer<T>(operand) ? as_integer<T>(old)
                                                             : as_integer<T>(operand));
}
template <class T>
std::uint64_t max_integer(std::uint64_t old, std::uint64_t operand) {
  return bits_of(as_integer<T>(old) > as_integer<T>(operand) ? as_integer<T>(old)
                                                             : as_integer<T>(operand));
}
inline std::uint64_t increment(std::uint64_t old, std::uint64_t limit) {
  return old >= limit ? 0 : old + 1;
}
inline std::uint64_t decrement(std::uint64_t old, std::uint64_t limit) {
  return old == 0 || old > limit ? limit : old - 1;
}

}  // namespace atomics

// The function of an operation on elements of a type; null where the ISA has none. `vector`: of a
// .vN form, which has other combinations. Not for exchange and compare-and-swap.
AtomicFunction atomic_function(AtomicName name, ptx::Type type, bool vector);

}  // namespace moe::simt
