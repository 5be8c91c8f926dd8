// Compiled for processors with AVX-512 (F, BW, DQ, VL). 32 registers: 14 rows of two sums, two
// vectors of weights, one broadcast, one mask.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/cpu/detail/isa/product.h"

namespace moe::cpu {
namespace {

struct Avx512 {
  using Register = __m512;
  static constexpr int kWidth = 16;
  static constexpr int kMostRows = 14;
  static constexpr int kSplitSums = 24;
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
  static Register exp(Register v) { return exp_by_polynomial<Avx512>(v); }
};

}  // namespace

extern constinit const MicroKernels kAvx512Kernels = kernels_of<Avx512>(Isa::kAvx512);

}  // namespace moe::cpu
#endif
