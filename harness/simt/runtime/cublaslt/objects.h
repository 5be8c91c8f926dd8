// What the opaque handles and descriptors of cuBLASLt hold here. A descriptor lies in the memory
// that the header declares for it, so that cublasLt...Init() on the stack works as well.
#pragma once
#include <cublasLt.h>

#include <cstdint>

namespace moe::simt::lt {

// Each starts with a word of its own, so that garbage is told from a descriptor.
inline constexpr std::uint32_t kHandleMagic = 0x4c740001;
inline constexpr std::uint32_t kMatmulMagic = 0x4c740002;
inline constexpr std::uint32_t kLayoutMagic = 0x4c740003;
inline constexpr std::uint32_t kPreferenceMagic = 0x4c740004;
inline constexpr std::uint32_t kAlgorithmMagic = 0x4c740005;

struct Handle {
  std::uint32_t magic = kHandleMagic;
};

struct MatmulDesc {
  std::uint32_t magic = kMatmulMagic;
  std::int32_t compute_type = CUBLAS_COMPUTE_32F;
  std::int32_t scale_type = CUDA_R_32F;
  std::int32_t pointer_mode = CUBLASLT_POINTER_MODE_HOST;
  std::int32_t transpose_a = CUBLAS_OP_N;
  std::int32_t transpose_b = CUBLAS_OP_N;
  std::int32_t transpose_c = CUBLAS_OP_N;
  std::int32_t fill_mode = CUBLAS_FILL_MODE_FULL;
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  std::int32_t bias_type = -1;  // that of D, or what the table of fp8 products says
  std::int32_t aux_type = -1;
  std::int32_t sm_count_target = 0;
  std::int32_t scale_mode_a = 0, scale_mode_b = 0, scale_mode_c = 0, scale_mode_d = 0;
  std::int32_t scale_mode_aux = 0, scale_mode_d_out = 0;
  std::int8_t fast_accumulation = 0;
  const void* bias = nullptr;
  std::int64_t bias_batch_stride = 0;
  void* aux = nullptr;
  std::int64_t aux_ld = 0, aux_batch_stride = 0;
  std::int64_t alpha_batch_stride = 0;
  const float* scale_a = nullptr;
  const float* scale_b = nullptr;
  const float* scale_c = nullptr;
  const float* scale_d = nullptr;
  float* amax_d = nullptr;
  const void* aux_scale = nullptr;
  void* aux_amax = nullptr;
  void* scale_d_out = nullptr;
};
static_assert(sizeof(MatmulDesc) <= sizeof(cublasLtMatmulDescOpaque_t));

struct Layout {
  std::uint32_t magic = kLayoutMagic;
  std::uint32_t type = CUDA_R_32F;
  std::int32_t order = CUBLASLT_ORDER_COL;
  std::int32_t batch_count = 1;
  std::uint64_t rows = 0, cols = 0;
  std::int64_t ld = 0;
  std::int64_t batch_stride = 0;  // elements
  std::int64_t plane_offset = 0;
};
static_assert(sizeof(Layout) <= sizeof(cublasLtMatrixLayoutOpaque_t));

struct Preference {
  std::uint32_t magic = kPreferenceMagic;
  std::uint32_t search_mode = CUBLASLT_SEARCH_BEST_FIT;
  std::uint64_t max_workspace = 0;
  std::uint32_t reduction_schemes = CUBLASLT_REDUCTION_SCHEME_MASK;
  std::uint32_t alignment_a = 256, alignment_b = 256, alignment_c = 256, alignment_d = 256;
  float max_waves = 0;
  std::uint64_t implementations = ~std::uint64_t{0};
};
static_assert(sizeof(Preference) <= sizeof(cublasLtMatmulPreferenceOpaque_t));

// The one algorithm there is. Its configuration is what the header calls the default; the id is not
// one of NVIDIA's.
struct Algorithm {
  std::uint32_t magic = kAlgorithmMagic;
  std::int32_t id = 0;
  std::uint32_t tile = CUBLASLT_MATMUL_TILE_UNDEFINED;
  std::int32_t splits = 1;
  std::uint32_t reduction = CUBLASLT_REDUCTION_SCHEME_NONE;
  std::uint32_t swizzling = 0;
  std::uint32_t custom_option = 0;
  std::uint32_t stages = CUBLASLT_MATMUL_STAGES_UNDEFINED;
  std::uint16_t inner_shape = 0;
  std::uint16_t cluster_shape = 0;
  std::uint32_t alignment_a = 1, alignment_b = 1, alignment_c = 1,
                alignment_d = 1;  // bytes it counts on
  std::uint64_t workspace = 0;    // bytes it demands
};
static_assert(sizeof(Algorithm) <= sizeof(cublasLtMatmulAlgo_t));

// The object behind a handle, or null where there is none.
template <class T, class Opaque>
const T* object_of(const Opaque* opaque) {
  const auto* object = reinterpret_cast<const T*>(opaque);
  return object != nullptr && object->magic == T{}.magic ? object : nullptr;
}
template <class T, class Opaque>
T* object_of(Opaque* opaque) {
  auto* object = reinterpret_cast<T*>(opaque);
  return object != nullptr && object->magic == T{}.magic ? object : nullptr;
}

}  // namespace moe::simt::lt
