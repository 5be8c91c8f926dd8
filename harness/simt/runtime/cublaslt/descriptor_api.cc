// Descriptors of cuBLASLt: made, destroyed, read and written.
#include <cublasLt.h>

#include <cstddef>
#include <new>

#include "harness/simt/runtime/cublaslt/attributes.h"
#include "harness/simt/runtime/cublaslt/objects.h"

namespace moe::simt::lt {
namespace {

#define MATMUL(name, field) \
  { CUBLASLT_MATMUL_DESC_##name, offsetof(MatmulDesc, field), sizeof(MatmulDesc::field) }
constexpr Attribute matmul_attributes[] = {
    MATMUL(COMPUTE_TYPE, compute_type),
    MATMUL(SCALE_TYPE, scale_type),
    MATMUL(POINTER_MODE, pointer_mode),
    MATMUL(TRANSA, transpose_a),
    MATMUL(TRANSB, transpose_b),
    MATMUL(TRANSC, transpose_c),
    MATMUL(FILL_MODE, fill_mode),
    MATMUL(EPILOGUE, epilogue),
    MATMUL(BIAS_POINTER, bias),
    MATMUL(BIAS_BATCH_STRIDE, bias_batch_stride),
    MATMUL(EPILOGUE_AUX_POINTER, aux),
    MATMUL(EPILOGUE_AUX_LD, aux_ld),
    MATMUL(EPILOGUE_AUX_BATCH_STRIDE, aux_batch_stride),
    MATMUL(ALPHA_VECTOR_BATCH_STRIDE, alpha_batch_stride),
    MATMUL(SM_COUNT_TARGET, sm_count_target),
    MATMUL(A_SCALE_POINTER, scale_a),
    MATMUL(B_SCALE_POINTER, scale_b),
    MATMUL(C_SCALE_POINTER, scale_c),
    MATMUL(D_SCALE_POINTER, scale_d),
    MATMUL(AMAX_D_POINTER, amax_d),
    MATMUL(EPILOGUE_AUX_DATA_TYPE, aux_type),
    MATMUL(EPILOGUE_AUX_SCALE_POINTER, aux_scale),
    MATMUL(EPILOGUE_AUX_AMAX_POINTER, aux_amax),
    MATMUL(FAST_ACCUM, fast_accumulation),
    MATMUL(BIAS_DATA_TYPE, bias_type),
    MATMUL(A_SCALE_MODE, scale_mode_a),
    MATMUL(B_SCALE_MODE, scale_mode_b),
    MATMUL(C_SCALE_MODE, scale_mode_c),
    MATMUL(D_SCALE_MODE, scale_mode_d),
    MATMUL(EPILOGUE_AUX_SCALE_MODE, scale_mode_aux),
    MATMUL(D_OUT_SCALE_POINTER, scale_d_out),
    MATMUL(D_OUT_SCALE_MODE, scale_mode_d_out),
};
#undef MATMUL

#define LAYOUT(name, field) \
  { CUBLASLT_MATRIX_LAYOUT_##name, offsetof(Layout, field), sizeof(Layout::field) }
constexpr Attribute layout_attributes[] = {
    LAYOUT(TYPE, type),
    LAYOUT(ORDER, order),
    LAYOUT(ROWS, rows),
    LAYOUT(COLS, cols),
    LAYOUT(LD, ld),
    LAYOUT(BATCH_COUNT, batch_count),
    LAYOUT(STRIDED_BATCH_OFFSET, batch_stride),
    LAYOUT(PLANE_OFFSET, plane_offset),
};
#undef LAYOUT

#define PREFERENCE(name, field) \
  { CUBLASLT_MATMUL_PREF_##name, offsetof(Preference, field), sizeof(Preference::field) }
constexpr Attribute preference_attributes[] = {
    PREFERENCE(SEARCH_MODE, search_mode),
    PREFERENCE(MAX_WORKSPACE_BYTES, max_workspace),
    PREFERENCE(REDUCTION_SCHEME_MASK, reduction_schemes),
    PREFERENCE(MIN_ALIGNMENT_A_BYTES, alignment_a),
    PREFERENCE(MIN_ALIGNMENT_B_BYTES, alignment_b),
    PREFERENCE(MIN_ALIGNMENT_C_BYTES, alignment_c),
    PREFERENCE(MIN_ALIGNMENT_D_BYTES, alignment_d),
    PREFERENCE(MAX_WAVES_COUNT, max_waves),
    PREFERENCE(IMPL_MASK, implementations),
};
#undef PREFERENCE

#define ALGORITHM(name, field) \
  { CUBLASLT_ALGO_CONFIG_##name, offsetof(Algorithm, field), sizeof(Algorithm::field) }
constexpr Attribute algorithm_attributes[] = {
    ALGORITHM(ID, id),
    ALGORITHM(TILE_ID, tile),
    ALGORITHM(SPLITK_NUM, splits),
    ALGORITHM(REDUCTION_SCHEME, reduction),
    ALGORITHM(CTA_SWIZZLING, swizzling),
    ALGORITHM(CUSTOM_OPTION, custom_option),
    ALGORITHM(STAGES_ID, stages),
    ALGORITHM(INNER_SHAPE_ID, inner_shape),
    ALGORITHM(CLUSTER_SHAPE_ID, cluster_shape),
};
#undef ALGORITHM

// Puts a fresh object where the descriptor lies.
template <class T, class Opaque>
cublasStatus_t init(Opaque* opaque, std::size_t bytes, const T& object) {
  if (opaque == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  if (bytes < sizeof(T)) return CUBLAS_STATUS_ALLOC_FAILED;
  new (opaque) T(object);
  return CUBLAS_STATUS_SUCCESS;
}

template <class T, class Opaque>
cublasStatus_t create(Opaque** result, const T& object) {
  if (result == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  *result = new Opaque{};
  return init(*result, sizeof(Opaque), object);
}

template <class T, class Opaque>
cublasStatus_t destroy(Opaque* opaque) {
  T* object = object_of<T>(opaque);
  if (object == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  object->magic = 0;
  delete opaque;
  return CUBLAS_STATUS_SUCCESS;
}

MatmulDesc matmul_desc(cublasComputeType_t compute_type, cudaDataType_t scale_type) {
  MatmulDesc desc;
  desc.compute_type = compute_type;
  desc.scale_type = scale_type;
  return desc;
}

Layout layout(cudaDataType type, std::uint64_t rows, std::uint64_t cols, std::int64_t ld) {
  Layout made;
  made.type = type;
  made.rows = rows;
  made.cols = cols;
  made.ld = ld;
  return made;
}

}  // namespace
}  // namespace moe::simt::lt

using namespace moe::simt::lt;

extern "C" {

cublasStatus_t cublasLtMatmulDescInit_internal(cublasLtMatmulDesc_t desc, std::size_t bytes,
                                               cublasComputeType_t compute_type,
                                               cudaDataType_t scale_type) {
  return init(desc, bytes, matmul_desc(compute_type, scale_type));
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* desc,
                                        cublasComputeType_t compute_type,
                                        cudaDataType_t scale_type) {
  return create(desc, matmul_desc(compute_type, scale_type));
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) {
  return destroy<MatmulDesc>(desc);
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc,
                                              cublasLtMatmulDescAttributes_t id, const void* buffer,
                                              std::size_t bytes) {
  return set_attribute(object_of<MatmulDesc>(desc), matmul_attributes, id, buffer, bytes);
}

cublasStatus_t cublasLtMatmulDescGetAttribute(cublasLtMatmulDesc_t desc,
                                              cublasLtMatmulDescAttributes_t id, void* buffer,
                                              std::size_t bytes, std::size_t* written) {
  return get_attribute(object_of<MatmulDesc>(desc), matmul_attributes, id, buffer, bytes, written);
}

cublasStatus_t cublasLtMatrixLayoutInit_internal(cublasLtMatrixLayout_t result, std::size_t bytes,
                                                 cudaDataType type, std::uint64_t rows,
                                                 std::uint64_t cols, std::int64_t ld) {
  return init(result, bytes, layout(type, rows, cols, ld));
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* result, cudaDataType type,
                                          std::uint64_t rows, std::uint64_t cols, std::int64_t ld) {
  return create(result, layout(type, rows, cols, ld));
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t desc) {
  return destroy<Layout>(desc);
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t desc,
                                                cublasLtMatrixLayoutAttribute_t id,
                                                const void* buffer, std::size_t bytes) {
  return set_attribute(object_of<Layout>(desc), layout_attributes, id, buffer, bytes);
}

cublasStatus_t cublasLtMatrixLayoutGetAttribute(cublasLtMatrixLayout_t desc,
                                                cublasLtMatrixLayoutAttribute_t id, void* buffer,
                                                std::size_t bytes, std::size_t* written) {
  return get_attribute(object_of<Layout>(desc), layout_attributes, id, buffer, bytes, written);
}

#if CUBLAS_VERSION >= 130200
// Grouped products are not simulated; with newer headers there are callers to be linked.
cublasStatus_t cublasLtGroupedMatrixLayoutInit_internal(cublasLtMatrixLayout_t, std::size_t,
                                                        cudaDataType, int, const void*, const void*,
                                                        const void*) {
  return CUBLAS_STATUS_NOT_SUPPORTED;
}
#endif

cublasStatus_t cublasLtMatmulPreferenceInit_internal(cublasLtMatmulPreference_t preference,
                                                     std::size_t bytes) {
  return init(preference, bytes, Preference{});
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  return create(preference, Preference{});
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return destroy<Preference>(preference);
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t id,
                                                    const void* buffer, std::size_t bytes) {
  return set_attribute(object_of<Preference>(preference), preference_attributes, id, buffer, bytes);
}

cublasStatus_t cublasLtMatmulPreferenceGetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t id,
                                                    void* buffer, std::size_t bytes,
                                                    std::size_t* written) {
  return get_attribute(object_of<Preference>(preference), preference_attributes, id, buffer, bytes,
                       written);
}

cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t* algorithm,
                                                    cublasLtMatmulAlgoConfigAttributes_t id,
                                                    void* buffer, std::size_t bytes,
                                                    std::size_t* written) {
  return get_attribute(object_of<Algorithm>(algorithm), algorithm_attributes, id, buffer, bytes,
                       written);
}

}  // extern "C"
