// Compiled for processors with AVX-512, VNNI and BF16.
#if defined(__x86_64__)
#include "kernels/cpu/detail/isa/avx512.h"
#include "kernels/cpu/detail/isa/dot_product.h"
#include "kernels/cpu/detail/isa/to_bf16.h"

namespace moe::cpu {
namespace {

struct Avx512Bf16 : Avx512<true> {
  using Pairs = __m512i;
  static Pairs broadcast_bf16_pair(const std::uint16_t* p) {
    std::int32_t pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    return _mm512_set1_epi32(pair);
  }
  static Pairs load_bf16_pairs(const std::uint16_t* p) { return _mm512_loadu_si512(p); }
  // As assembly, for the same reason as fma.
  static Register dot(Register sum, Pairs a, Pairs b) {
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
  }
};

}  // namespace

extern constinit const Bf16Kernels kAvx512Bf16Kernels = {
    .rows = Avx512Bf16::kMostRows,
    .product = dot_product<Avx512Bf16>,
    .to_bf16 = to_bf16<Avx512Bf16>,
    .swiglu = swiglu_to_bf16<Avx512Bf16>,
    .multiply_add = dot_multiply_add<Avx512Bf16>,
};

}  // namespace moe::cpu
#endif
