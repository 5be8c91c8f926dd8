#pragma once
// The vectors of AVX-512 (F, BW, DQ, VL). 32 registers: 14 rows of two sums, two vectors of
// weights, one broadcast, one mask; or 4 rows of two sums and two sums of whole numbers.
#include <immintrin.h>

#include <cstdint>

#include "kernels/cpu/detail/isa/product.h"

namespace moe::cpu {

// kVnni: with AVX512_VNNI; a type of its own, so that its kernels are other functions.
template <bool kVnni>
struct Avx512 {
  using Register = __m512;
  static constexpr int kWidth = 16;
  static constexpr int kMostRows = 14;
  static constexpr int kOnePassRows = kMostRows;
  static constexpr int kTallRows = 23;    // of more rows, two calls take less time than two halves
  static constexpr int kSpreadRows = 12;  // fewer wait for memory, and want few instructions
  static constexpr int kSplitSums = 24;
  static constexpr bool kWidensOnce = true;
  static constexpr bool kFetchesNear = true;
  static Register zero() { return _mm512_setzero_ps(); }
  static Register load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Register v) { _mm512_storeu_ps(p, v); }
  static Register broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static Register broadcast_value(float v) { return _mm512_set1_ps(v); }
  static Register add(Register a, Register b) { return _mm512_add_ps(a, b); }
  static Register subtract(Register a, Register b) { return _mm512_sub_ps(a, b); }
  static Register multiply(Register a, Register b) { return _mm512_mul_ps(a, b); }
  static Register divide(Register a, Register b) { return _mm512_div_ps(a, b); }
  // As assembly, because gcc 12 otherwise moves sums from register to register and to memory.
  static Register fma(Register a, Register b, Register c) {
    __asm__("vfmadd231ps %2, %1, %0" : "+v"(c) : "v"(a), "v"(b));
    return c;
  }
  // The same, a being read and broadcast by the instruction.
  static Register fma_broadcast(const float* a, Register b, Register c) {
    __asm__("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(c) : "v"(b), "m"(*a));
    return c;
  }
  // The same for two, a being read and broadcast once.
  static void fma_both(const float* a, Register b, Register c, Register& low, Register& high) {
    Register value;
    __asm__("vbroadcastss %5, %2\n\tvfmadd231ps %3, %2, %0\n\tvfmadd231ps %4, %2, %1"
            : "+v"(low), "+v"(high), "=&v"(value)
            : "v"(b), "v"(c), "m"(*a));
  }
  static Register least(Register a, Register b) { return _mm512_min_ps(a, b); }
  static Register most(Register a, Register b) { return _mm512_max_ps(a, b); }
  static Register round(Register v) {
    return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static Register times_power_of_two(Register v, Register n) { return _mm512_scalef_ps(v, n); }
  static Register widen_low(const std::uint16_t* p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16));
  }
  static Register widen_high(const std::uint16_t* p) {
    return _mm512_castsi512_ps(
        _mm512_and_epi32(_mm512_loadu_si512(p), _mm512_set1_epi32(static_cast<int>(0xFFFF0000))));
  }
  // 16 pairs of bf16 to [2][32] of f32, of which 16 columns: their upper halves are written.
  static void spread(const std::uint16_t* from, float* to) {
    const __m512i pairs = _mm512_loadu_si512(from);
    constexpr int kUpper = 1;  // of the two halves of a float
    _mm512_mask_storeu_epi16(reinterpret_cast<std::uint16_t*>(to) + kUpper, 0x55555555, pairs);
    _mm512_mask_storeu_epi16(to + 32, 0xAAAAAAAA, pairs);
  }
  static Register exp(Register v) { return exp_by_polynomial<Avx512>(v); }
  // To the nearest, ties to even; NaN stays NaN.
  static void store_as_bf16(std::uint16_t* p, Register v) {
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i up = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7FFF)), odd);
    const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    const __m512i rounded =
        _mm512_mask_mov_epi32(_mm512_srli_epi32(up, 16), nan, _mm512_set1_epi32(0x7FC0));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(rounded));
  }

  using Integers = __m512i;  // 32 of 16 bits or 16 of 32 bits
  static constexpr int kIntegerRows = 4;
  static constexpr int kIntegerParts = 1;
  static Integers no_integers() { return _mm512_setzero_si512(); }
  static Integers load_integers(const void* p) { return _mm512_loadu_si512(p); }
  static Integers broadcast_pair(const std::int16_t* p) {
    std::int32_t pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    return _mm512_set1_epi32(pair);
  }
  template <int kLeft, int kRight>
  static Integers shift(Integers v) {
    if constexpr (kLeft > 0) v = _mm512_slli_epi16(v, kLeft);
    return _mm512_srai_epi16(v, kRight);
  }
  // As assembly, for the same reason as fma.
  static Integers add_products(Integers sum, Integers a, Integers b) {
    if constexpr (kVnni) {
      __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
      return sum;
    }
    const Integers products = _mm512_madd_epi16(a, b);
    __asm__("vpaddd %1, %0, %0" : "+v"(sum) : "v"(products));
    return sum;
  }
  static Register to_floats(Integers v) { return _mm512_cvtepi32_ps(v); }
  static Register scales(const std::uint8_t* p) {
    const __m512i exponent =
        _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23));
  }
  static Register absolute(Register v) { return _mm512_abs_ps(v); }
  static void store_as_integers(std::int16_t* p, Register v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(v)));
  }
};

}  // namespace moe::cpu
