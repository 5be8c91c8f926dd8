#include <algorithm>
#include <stdexcept>

#include "kernels/cuda/detail/cublaslt.h"
#include "kernels/cuda/detail/cublaslt_calls.h"

namespace moe::cuda {
namespace lt {

void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw std::runtime_error(std::string(call)
                               .append(": ")
                               .append(cublasLtGetStatusName(status))
                               .append(": ")
                               .append(cublasLtGetStatusString(status)));
}

cublasLtHandle_t handle() {
  static const cublasLtHandle_t one = [] {
    cublasLtHandle_t h = nullptr;
    check(cublasLtCreate(&h), "cublasLtCreate");
    return h;
  }();
  return one;
}

cudaDataType type_of(DType dtype) {
  if (dtype == DType::kBf16) return CUDA_R_16BF;
  return dtype == DType::kF16 ? CUDA_R_16F : CUDA_R_32F;
}

int id_of(const cublasLtMatmulAlgo_t& algorithm) {
  std::int32_t id = 0;
  check(cublasLtMatmulAlgoConfigGetAttribute(&algorithm, CUBLASLT_ALGO_CONFIG_ID, &id, sizeof id,
                                             nullptr),
        "cublasLtMatmulAlgoConfigGetAttribute");
  return id;
}

}  // namespace lt

namespace {

using lt::check, lt::handle, lt::type_of;

constexpr std::uint32_t kAlignment = 16;  // bytes: rows begin there, and nothing more is promised

cublasComputeType_t compute_of(DType dtype) {
  return dtype == DType::kTf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

// The library counts in columns: our row-major matrix is its transpose, and C^T = B A^T. So its
// first operand is B (stored as depth x columns, transposed) and its second is A (depth x rows).
struct Descriptors {
  cublasLtMatmulDescOpaque_t operation{};
  cublasLtMatrixLayoutOpaque_t b{}, a{}, c{};

  Descriptors(const LtShape& s, std::int64_t rows) {
    check(cublasLtMatmulDescInit(&operation, compute_of(s.dtype), CUDA_R_32F),
          "cublasLtMatmulDescInit");
    const cublasOperation_t transposed = CUBLAS_OP_T;
    check(cublasLtMatmulDescSetAttribute(&operation, CUBLASLT_MATMUL_DESC_TRANSA, &transposed,
                                         sizeof transposed),
          "cublasLtMatmulDescSetAttribute");
    make(b, type_of(s.dtype), s.depth, s.columns, s.b_stride, s.batch);
    make(a, type_of(s.dtype), s.depth, rows, s.a_stride, s.batch);
    make(c, type_of(s.c_type), s.columns, rows, s.c_stride, s.batch);
  }

  static void make(cublasLtMatrixLayoutOpaque_t& layout, cudaDataType type, std::int64_t height,
                   std::int64_t width, std::int64_t stride, int batch) {
    check(cublasLtMatrixLayoutInit(&layout, type, static_cast<std::uint64_t>(height),
                                   static_cast<std::uint64_t>(width), stride),
          "cublasLtMatrixLayoutInit");
    if (batch == 1) return;
    const std::int64_t distance = width * stride;
    check(cublasLtMatrixLayoutSetAttribute(&layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batch,
                                           sizeof batch),
          "cublasLtMatrixLayoutSetAttribute");
    check(cublasLtMatrixLayoutSetAttribute(&layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                           &distance, sizeof distance),
          "cublasLtMatrixLayoutSetAttribute");
  }
};

cublasLtMatmulAlgo_t choose(Descriptors& d) {
  cublasLtMatmulPreferenceOpaque_t preference{};
  check(cublasLtMatmulPreferenceInit(&preference), "cublasLtMatmulPreferenceInit");
  const auto set = [&](cublasLtMatmulPreferenceAttributes_t which, auto value) {
    check(cublasLtMatmulPreferenceSetAttribute(&preference, which, &value, sizeof value),
          "cublasLtMatmulPreferenceSetAttribute");
  };
  set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{kLtWorkspaceBytes});
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, kAlignment);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, kAlignment);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, kAlignment);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, kAlignment);
  cublasLtMatmulHeuristicResult_t found{};
  int count = 0;
  check(cublasLtMatmulAlgoGetHeuristic(handle(), &d.operation, &d.b, &d.a, &d.c, &d.c, &preference,
                                       1, &found, &count),
        "cublasLtMatmulAlgoGetHeuristic");
  if (count == 0) throw std::runtime_error("cuBLASLt has no algorithm for this product");
  return found.algo;
}

}  // namespace

std::optional<std::string> cublaslt_unsupported(DType dtype) {
  if (is_integer(dtype)) return "cuBLASLt multiplies no tokens of bf16 by weights of whole numbers";
  if (dtype != DType::kE4m3) return std::nullopt;
  return "cuBLASLt takes one scale for a matrix of e4m3 on most devices, and here every row has "
         "one";
}

std::string cublaslt_version() {
  const std::size_t version = cublasLtGetVersion();  // 130100: 13.1.0
  return "cuBLASLt " + std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) +
         "." + std::to_string(version % 100);
}

LtProduct::LtProduct(const LtShape& shape, std::int64_t most_rows)
    : shape_(shape), choice_(static_cast<std::size_t>(most_rows) + 1) {
  handle();  // made here, because it allocates and a run must not
}

void LtProduct::run(const void* a, const void* b, void* c, std::int64_t rows,
                    const Buffer<std::uint8_t>& workspace, cudaStream_t stream) {
  if (rows == 0) return;
  Descriptors d(shape_, rows);
  Choice& choice = choice_[static_cast<std::size_t>(rows)];
  if (!choice.made) choice = {true, choose(d)};
  const float one = 1, zero = 0;
  check(cublasLtMatmul(handle(), &d.operation, &one, b, &d.b, a, &d.a, &zero, c, &d.c, c, &d.c,
                       &choice.algorithm, workspace.data(),
                       static_cast<std::size_t>(workspace.bytes()), stream),
        "cublasLtMatmul");
}

std::vector<int> LtProduct::algorithms() const {
  std::vector<int> ids;
  for (const Choice& choice : choice_) {
    if (choice.made) ids.push_back(lt::id_of(choice.algorithm));
  }
  std::ranges::sort(ids);
  ids.erase(std::ranges::unique(ids).begin(), ids.end());
  return ids;
}

}  // namespace moe::cuda
