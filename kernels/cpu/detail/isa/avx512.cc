// Compiled for processors with AVX-512 (F, BW, DQ, VL).
#if defined(__x86_64__)
#include "kernels/cpu/detail/isa/avx512.h"

namespace moe::cpu {

extern constinit const MicroKernels kAvx512Kernels = kernels_of<Avx512<false>>(Isa::kAvx512);

}  // namespace moe::cpu
#endif
