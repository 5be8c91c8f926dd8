#include "kernels/cpu/detail/isa/micro_kernels.h"

namespace moe::cpu {

#if defined(__x86_64__)
namespace {

MicroKernels with(Isa isa, const Bf16Kernels& native) {
  MicroKernels kernels = kAvx512VnniKernels;
  kernels.isa = isa;
  kernels.native_bf16 = native;
  return kernels;
}

}  // namespace
#endif

const MicroKernels& micro_kernels(Isa isa) {
#if defined(__x86_64__)
  static const MicroKernels tiles = with(Isa::kAmxBf16, kAmxBf16Kernels);
  static const MicroKernels dots = with(Isa::kAvx512Bf16, kAvx512Bf16Kernels);
  if (isa == Isa::kAmxBf16) return tiles;
  if (isa == Isa::kAvx512Bf16) return dots;
  if (isa == Isa::kAvx512Vnni) return kAvx512VnniKernels;
  if (isa == Isa::kAvx512) return kAvx512Kernels;
  if (isa == Isa::kAvx2) return kAvx2Kernels;
#endif
  static_cast<void>(isa);
  return kScalarKernels;
}

}  // namespace moe::cpu
