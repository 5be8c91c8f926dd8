// For every processor. Vectors of four in the compiler's own notation: it makes of them what the
// architecture has at least, which on x86-64 is SSE2.
#include "kernels/cpu/detail/isa/product.h"

namespace moe::cpu {
namespace {

using Floats = float __attribute__((vector_size(16)));
using Words = std::int32_t __attribute__((vector_size(16)));
using Halves = std::uint16_t __attribute__((vector_size(16)));
using SignedHalves = std::int16_t __attribute__((vector_size(16)));

struct Scalar {
  using Register = Floats;
  static constexpr int kWidth = 4;
  static constexpr int kMostRows = 4;
  static constexpr int kOnePassRows = 0;
  static constexpr int kTallRows = kMostRows;
  static constexpr int kSpreadRows = kMostRows + 1;  // none
  static constexpr int kSplitSums = 0;
  static constexpr bool kWidensOnce = true;
  static constexpr bool kFetchesNear = false;
  static Register zero() { return Floats{}; }
  static Register load(const float* p) {
    Register v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
  }
  static void store(float* p, Register v) { __builtin_memcpy(p, &v, sizeof v); }
  static Register broadcast(const float* p) { return broadcast_value(*p); }
  static Register broadcast_value(float v) { return Floats{v, v, v, v}; }
  static Register add(Register a, Register b) { return a + b; }
  static Register subtract(Register a, Register b) { return a - b; }
  static Register multiply(Register a, Register b) { return a * b; }
  static Register divide(Register a, Register b) { return a / b; }
  static Register fma(Register a, Register b, Register c) { return a * b + c; }
  static Register least(Register a, Register b) { return a < b ? a : b; }
  static Register most(Register a, Register b) { return a > b ? a : b; }
  // Adding 1.5 * 2^23 leaves no bits for a fraction.
  static Register round(Register v) {
    const Register shift = broadcast_value(12582912.0F);
    return (v + shift) - shift;
  }
  // In two factors, since 2^128 and 2^-150 have no exponent of their own.
  static Register times_power_of_two(Register v, Register n) {
    const Words whole = __builtin_convertvector(n, Words);
    const Words half = whole >> 1;
    return v * power_of_two(half) * power_of_two(whole - half);
  }
  static Register widen_low(const std::uint16_t* p) { return Register(words(p) << 16); }
  static Register widen_high(const std::uint16_t* p) {
    const auto high = static_cast<std::int32_t>(0xFFFF0000);
    return Register(words(p) & high);
  }
  static Register exp(Register v) { return exp_by_polynomial<Scalar>(v); }

  using Integers = Words;  // 8 of 16 bits or 4 of 32 bits
  static constexpr int kIntegerRows = 1;
  static constexpr int kIntegerParts = 1;
  static Integers no_integers() { return Words{}; }
  static Integers load_integers(const void* p) {
    Words v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
  }
  static Integers broadcast_pair(const std::int16_t* p) {
    std::int32_t pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    return Words{pair, pair, pair, pair};
  }
  template <int kLeft, int kRight>
  static Integers shift(Integers v) {
    return Integers(SignedHalves(Halves(v) << kLeft) >> kRight);
  }
  static Integers add_products(Integers sum, Integers a, Integers b) {
    return sum + low_half(a) * low_half(b) + (a >> 16) * (b >> 16);
  }
  static Register to_floats(Integers v) { return __builtin_convertvector(v, Floats); }
  static Register scales(const std::uint8_t* p) {
    return Register(Words{p[0], p[1], p[2], p[3]} << 23);
  }
  static Register absolute(Register v) { return Register(Words(v) & 0x7FFFFFFF); }
  static void store_as_integers(std::int16_t* p, Register v) {
    const Words whole = __builtin_convertvector(round(v), Words);
    for (int i = 0; i < kWidth; ++i) p[i] = static_cast<std::int16_t>(whole[i]);
  }

 private:
  static Words low_half(Words v) { return (v << 16) >> 16; }
  static Words words(const std::uint16_t* p) {
    Words v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
  }
  static Register power_of_two(Words n) { return Register((n + 127) << 23); }
};

}  // namespace

extern constinit const MicroKernels kScalarKernels = kernels_of<Scalar>(Isa::kScalar);

}  // namespace moe::cpu
