// Compiled for processors with AVX-512 (F, BW, DQ, VL) and AVX512_VNNI.
#if defined(__x86_64__)
#include "kernels/cpu/detail/isa/avx512.h"
namespace moe::cpu {

extern constinit const MicroKernels kAvx512VnniKernels = kernels_of<Avx512<true>>(Isa::kAvx512Vnni);

}  // namespace moe::cpu
#endif
