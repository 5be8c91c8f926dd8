// Tables of supported types.
#include "harness/simt/runtime/cublaslt/support.h"

#include "harness/simt/runtime/cublaslt/elements.h"

namespace moe::simt::lt {
namespace {

constexpr Support no_epilogues{false, CUDA_R_32F};

// fp8: D is of C's type or fp8 itself; with an f32 C and D the bias is bf16.
std::optional<Support> fp8_support(const Types& types) {
  if (types.a == CUDA_R_8F_E5M2 && types.b == CUDA_R_8F_E5M2) return std::nullopt;
  if (!is_fp8(types.a) || !is_fp8(types.b) || types.scale != CUDA_R_32F) return std::nullopt;
  if (types.c == CUDA_R_32F && types.d == CUDA_R_32F) return Support{true, CUDA_R_16BF};
  if (types.c != CUDA_R_16BF && types.c != CUDA_R_16F) return std::nullopt;
  const bool both_e4m3 = types.a == CUDA_R_8F_E4M3 && types.b == CUDA_R_8F_E4M3;
  const bool output =
      types.d == types.c || types.d == CUDA_R_8F_E4M3 || (types.d == CUDA_R_8F_E5M2 && !both_e4m3);
  return output ? std::optional(Support{true, types.c}) : std::nullopt;
}

std::optional<Support> float_support(const Types& types) {
  if (is_fp8(types.a) || is_fp8(types.b)) return fp8_support(types);
  if (types.scale != CUDA_R_32F || types.a != types.b || types.c != types.d) return std::nullopt;
  const bool half = types.a == CUDA_R_16F || types.a == CUDA_R_16BF;
  if (half && types.c == types.a) return Support{true, types.a};
  if (half && types.c == CUDA_R_32F) return Support{true, CUDA_R_32F};
  if (types.a == CUDA_R_8I && types.c == CUDA_R_32F) return no_epilogues;
  if (types.a == CUDA_R_32F && types.c == CUDA_R_32F) return Support{true, CUDA_R_32F};
  return std::nullopt;
}

std::optional<Support> integer_support(const Types& types) {
  if (types.a != CUDA_R_8I || types.b != CUDA_R_8I || types.c != types.d) return std::nullopt;
  if (types.scale == CUDA_R_32I && types.c == CUDA_R_32I) return no_epilogues;
  if (types.scale == CUDA_R_32F && types.c == CUDA_R_8I) return Support{true, CUDA_R_32F};
  return std::nullopt;
}

bool all_are(const Types& types, cudaDataType type) {
  return types.scale == type && types.a == type && types.b == type && types.c == type &&
         types.d == type;
}

}  // namespace

std::optional<Support> support_of(const Types& types) {
  switch (types.compute) {
    case CUBLAS_COMPUTE_16F:
    case CUBLAS_COMPUTE_16F_PEDANTIC:
      return all_are(types, CUDA_R_16F) ? std::optional(Support{true, CUDA_R_16F}) : std::nullopt;
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC:
      return float_support(types);
    case CUBLAS_COMPUTE_32F_FAST_16F:
    case CUBLAS_COMPUTE_32F_FAST_16BF:
    case CUBLAS_COMPUTE_32F_FAST_TF32:
      return all_are(types, CUDA_R_32F) ? std::optional(Support{true, CUDA_R_32F}) : std::nullopt;
    case CUBLAS_COMPUTE_64F:
    case CUBLAS_COMPUTE_64F_PEDANTIC:
      return all_are(types, CUDA_R_64F) ? std::optional(no_epilogues) : std::nullopt;
    case CUBLAS_COMPUTE_32I:
    case CUBLAS_COMPUTE_32I_PEDANTIC:
      return integer_support(types);
    default:
      return std::nullopt;
  }
}

}  // namespace moe::simt::lt
