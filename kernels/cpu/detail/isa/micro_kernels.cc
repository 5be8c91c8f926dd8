#include "kernels/cpu/detail/isa/micro_kernels.h"

namespace moe::cpu {

const MicroKernels& micro_kernels(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAmxBf16) return kAmxBf16Kernels;
  if (isa == Isa::kAvx512Bf16) return kAvx512Bf16Kernels;
  if (isa == Isa::kAvx512Vnni) return kAvx512VnniKernels;
  if (isa == Isa::kAvx512) return kAvx512Kernels;
  if (isa == Isa::kAvx2) return kAvx2Kernels;
#endif
  static_cast<void>(isa);
  return kScalarKernels;
}

}  // namespace moe::cpu
