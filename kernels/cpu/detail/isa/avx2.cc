// Compiled for processors with AVX2 and FMA. 16 registers: 6 rows of two sums, two vectors of
// weights, one broadcast, one mask; or 3 rows of four sums and half of the columns after the other;
// or 2 rows of two sums and two sums of whole numbers.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/cpu/detail/isa/product.h"

namespace moe::cpu {
namespace {

struct Avx2 {
  using Register = __m256;
  static constexpr int kWidth = 8;
  static constexpr int kMostRows = 6;
  static constexpr int kOnePassRows = 3;
  static constexpr int kTallRows = kMostRows;
  static constexpr int kSpreadRows = kMostRows + 1;  // none
  static constexpr int kSplitSums = 8;
  static constexpr bool kWidensOnce = false;
  static constexpr bool kFetchesNear = false;
  static Register zero() { return _mm256_setzero_ps(); }
  static Register load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Register v) { _mm256_storeu_ps(p, v); }
  static Register broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  static Register broadcast_value(float v) { return _mm256_set1_ps(v); }
  static Register add(Register a, Register b) { return _mm256_add_ps(a, b); }
  static Register subtract(Register a, Register b) { return _mm256_sub_ps(a, b); }
  static Register multiply(Register a, Register b) { return _mm256_mul_ps(a, b); }
  static Register divide(Register a, Register b) { return _mm256_div_ps(a, b); }
  // As assembly, because gcc 12 otherwise moves sums from register to register and to memory.
  static Register fma(Register a, Register b, Register c) {
    __asm__("vfmadd231ps %2, %1, %0" : "+x"(c) : "x"(a), "x"(b));
    return c;
  }
  static Register least(Register a, Register b) { return _mm256_min_ps(a, b); }
  static Register most(Register a, Register b) { return _mm256_max_ps(a, b); }
  static Register round(Register v) {
    return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  // In two factors, since 2^128 and 2^-150 have no exponent of their own.
  static Register times_power_of_two(Register v, Register n) {
    const __m256i whole = _mm256_cvtps_epi32(n);
    const __m256i half = _mm256_srai_epi32(whole, 1);
    return multiply(multiply(v, power_of_two(half)), power_of_two(_mm256_sub_epi32(whole, half)));
  }
  static Register widen_low(const std::uint16_t* p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(words(p), 16));
  }
  static Register widen_high(const std::uint16_t* p) {
    return _mm256_castsi256_ps(
        _mm256_and_si256(words(p), _mm256_set1_epi32(static_cast<int>(0xFFFF0000))));
  }
  static Register exp(Register v) { return exp_by_polynomial<Avx2>(v); }

  using Integers = __m256i;  // 16 of 16 bits or 8 of 32 bits
  static constexpr int kIntegerRows = 2;
  static constexpr int kIntegerParts = 2;
  static Integers no_integers() { return _mm256_setzero_si256(); }
  static Integers load_integers(const void* p) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(p));
  }
  static Integers broadcast_pair(const std::int16_t* p) {
    std::int32_t pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    return _mm256_set1_epi32(pair);
  }
  template <int kLeft, int kRight>
  static Integers shift(Integers v) {
    if constexpr (kLeft > 0) v = _mm256_slli_epi16(v, kLeft);
    return _mm256_srai_epi16(v, kRight);
  }
  // As assembly, because gcc 12 otherwise changes the order of sums and keeps all products at once.
  static Integers add_products(Integers sum, Integers a, Integers b) {
    const Integers products = _mm256_madd_epi16(a, b);
    __asm__("vpaddd %1, %0, %0" : "+x"(sum) : "x"(products));
    return sum;
  }
  static Register to_floats(Integers v) { return _mm256_cvtepi32_ps(v); }
  static Register scales(const std::uint8_t* p) {
    const __m256i exponent =
        _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
  }
  static Register absolute(Register v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), v); }
  static void store_as_integers(std::int16_t* p, Register v) {
    const __m256i words = _mm256_cvtps_epi32(v);
    _mm_storeu_si128(
        reinterpret_cast<__m128i*>(p),
        _mm_packs_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }

 private:
  static __m256i words(const std::uint16_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Register power_of_two(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
  }
};

}  // namespace

extern constinit const MicroKernels kAvx2Kernels = kernels_of<Avx2>(Isa::kAvx2);

}  // namespace moe::cpu
#endif
