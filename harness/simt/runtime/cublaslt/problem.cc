// Checks products.
#include "harness/simt/runtime/cublaslt/problem.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/simt/runtime/cublaslt/elements.h"

namespace moe::simt::lt {
namespace {

constexpr std::uint64_t kWorkspaceAlignment = 256;
constexpr std::uint64_t kFp8Alignment = 16;  // of pointers and of contiguous dimensions, in bytes
constexpr std::uint64_t kIntegerAlignment = 4;

[[noreturn]] void refuse(cublasStatus_t status, std::string reason) {
  throw Refusal{status, std::move(reason)};
}

void need(bool good, cublasStatus_t status, const char* reason) {
  if (!good) refuse(status, reason);
}

cudaDataType type_of(const Layout& layout) { return static_cast<cudaDataType>(layout.type); }

bool is_row_major(const Layout& layout) { return layout.order == CUBLASLT_ORDER_ROW; }

// Elements of one matrix that lie beside each other.
std::uint64_t contiguous(const Layout& layout) {
  return is_row_major(layout) ? layout.cols : layout.rows;
}
std::uint64_t strided(const Layout& layout) {
  return is_row_major(layout) ? layout.rows : layout.cols;
}

// Elements from the first to behind the last of one matrix.
std::uint64_t extent(const Layout& layout) {
  return layout.ld * (strided(layout) - 1) + contiguous(layout);
}

void check_layout(const Layout& layout, const char* name, bool may_broadcast) {
  if (layout.order != CUBLASLT_ORDER_COL && layout.order != CUBLASLT_ORDER_ROW) {
    refuse(CUBLAS_STATUS_NOT_SUPPORTED,
           fmt::format("{}: only column and row order are simulated", name));
  }
  if (bytes_of(type_of(layout)) == 0) {
    refuse(CUBLAS_STATUS_NOT_SUPPORTED,
           fmt::format("{}: {} is not simulated", name, name_of(type_of(layout))));
  }
  if (layout.rows == 0 || layout.cols == 0) {
    refuse(CUBLAS_STATUS_INVALID_VALUE,
           fmt::format("{} is {} x {}", name, layout.rows, layout.cols));
  }
  const bool broadcast = may_broadcast && layout.ld == 0;
  if (!broadcast && (layout.ld < 0 || static_cast<std::uint64_t>(layout.ld) < contiguous(layout))) {
    refuse(CUBLAS_STATUS_INVALID_VALUE, fmt::format("{}: leading dimension {} is less than {}",
                                                    name, layout.ld, contiguous(layout)));
  }
  if (layout.batch_count < 1 || layout.plane_offset != 0) {
    refuse(CUBLAS_STATUS_INVALID_VALUE, fmt::format("{}: batch count {}, plane offset {}", name,
                                                    layout.batch_count, layout.plane_offset));
  }
}

// op(X) as rows x columns.
struct Shape {
  std::uint64_t rows, cols;
};
Shape shape_of(const Layout& layout, std::int32_t operation, const char* name) {
  if (operation == CUBLAS_OP_N) return {layout.rows, layout.cols};
  if (operation == CUBLAS_OP_T || operation == CUBLAS_OP_C) return {layout.cols, layout.rows};
  refuse(CUBLAS_STATUS_INVALID_VALUE, fmt::format("the operation on {} is {}", name, operation));
}

void check_shapes(Problem& problem) {
  const Shape a = shape_of(problem.a, problem.desc.transpose_a, "A");
  const Shape b = shape_of(problem.b, problem.desc.transpose_b, "B");
  if (a.cols != b.rows) {
    refuse(CUBLAS_STATUS_INVALID_VALUE,
           fmt::format("op(A) is {} x {}, op(B) is {} x {}", a.rows, a.cols, b.rows, b.cols));
  }
  if (problem.d.rows != a.rows || problem.d.cols != b.cols) {
    refuse(CUBLAS_STATUS_INVALID_VALUE,
           fmt::format("D is {} x {}, the product is {} x {}", problem.d.rows, problem.d.cols,
                       a.rows, b.cols));
  }
  const Layout &c = problem.c, &d = problem.d;
  need(c.rows == d.rows && c.cols == d.cols && c.order == d.order, CUBLAS_STATUS_INVALID_VALUE,
       "C and D differ in rows, columns or order");
  problem.m = static_cast<std::int64_t>(a.rows);
  problem.n = static_cast<std::int64_t>(b.cols);
  problem.k = static_cast<std::int64_t>(a.cols);
}

void check_batch(const Problem& problem) {
  const int count = problem.d.batch_count;
  need(problem.a.batch_count == count && problem.b.batch_count == count &&
           problem.c.batch_count == count,
       CUBLAS_STATUS_INVALID_VALUE, "the batch counts differ");
  if (count == 1) return;
  need(problem.a.batch_stride >= 0 && problem.b.batch_stride >= 0 && problem.c.batch_stride >= 0,
       CUBLAS_STATUS_INVALID_VALUE, "a negative batch stride");
  // The matrices of a batch may lie row beside row; only overlap is wrong, and only of what is
  // written.
  const auto stride = static_cast<std::uint64_t>(std::max<std::int64_t>(0, problem.d.batch_stride));
  const bool apart = stride >= extent(problem.d);
  const bool interleaved =
      stride >= contiguous(problem.d) &&
      stride * (count - 1) + contiguous(problem.d) <= static_cast<std::uint64_t>(problem.d.ld);
  need(apart || interleaved, CUBLAS_STATUS_INVALID_VALUE, "the matrices D of the batch overlap");
}

void check_epilogue(Problem& problem) {
  switch (problem.desc.epilogue) {
    case CUBLASLT_EPILOGUE_DEFAULT:
    case CUBLASLT_EPILOGUE_RELU:
    case CUBLASLT_EPILOGUE_BIAS:
    case CUBLASLT_EPILOGUE_RELU_BIAS:
    case CUBLASLT_EPILOGUE_GELU:
    case CUBLASLT_EPILOGUE_GELU_BIAS:
      break;
    default:
      refuse(CUBLAS_STATUS_NOT_SUPPORTED,
             fmt::format("epilogue {} is not simulated", problem.desc.epilogue));
  }
  const bool other = problem.desc.epilogue != CUBLASLT_EPILOGUE_DEFAULT;
  need(!other || problem.support.epilogues, CUBLAS_STATUS_NOT_SUPPORTED,
       "these types allow no epilogue");
  problem.bias_type = problem.support.bias;
  if (!problem.has_bias()) return;
  need(problem.desc.bias != nullptr, CUBLAS_STATUS_INVALID_VALUE,
       "an epilogue with a bias, but no bias");
  if (problem.desc.bias_type != -1 && problem.desc.bias_type != problem.support.bias) {
    refuse(CUBLAS_STATUS_NOT_SUPPORTED,
           fmt::format("the bias is {}, these types need {}",
                       name_of(static_cast<cudaDataType>(problem.desc.bias_type)),
                       name_of(problem.support.bias)));
  }
}

void check_scales(const Problem& problem) {
  const MatmulDesc& desc = problem.desc;
  const bool fp8 = is_fp8(type_of(problem.a));
  for (const std::int32_t mode : {desc.scale_mode_a, desc.scale_mode_b, desc.scale_mode_c,
                                  desc.scale_mode_d, desc.scale_mode_aux, desc.scale_mode_d_out}) {
    need(mode == CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F, CUBLAS_STATUS_NOT_SUPPORTED,
         "only scalar scales are simulated");
  }
  need(fp8 || (desc.scale_a == nullptr && desc.scale_b == nullptr), CUBLAS_STATUS_INVALID_VALUE,
       "a scale of A or B, which are not fp8");
  need(desc.scale_c == nullptr || is_fp8(type_of(problem.c)), CUBLAS_STATUS_INVALID_VALUE,
       "a scale of C, which is not fp8");
  const bool fp8_output = is_fp8(type_of(problem.d));
  need(fp8_output || (desc.scale_d == nullptr && desc.amax_d == nullptr),
       CUBLAS_STATUS_INVALID_VALUE, "a scale or the largest value of D, which is not fp8");
  need(desc.scale_d_out == nullptr, CUBLAS_STATUS_NOT_SUPPORTED,
       "scales as output are not simulated");
}

bool is_tn(const Problem& problem) {
  return problem.desc.transpose_a != CUBLAS_OP_N && problem.desc.transpose_b == CUBLAS_OP_N &&
         !is_row_major(problem.a) && !is_row_major(problem.b);
}

// "To use FP8 kernels, the following set of requirements must be satisfied" and "IMMA kernels".
void check_narrow_types(const Problem& problem, int capability) {
  const cudaDataType type = type_of(problem.a);
  if (is_fp8(type)) {
    need(capability >= 89, CUBLAS_STATUS_NOT_SUPPORTED, "fp8 needs compute capability 8.9");
    need(is_tn(problem) || capability >= 100, CUBLAS_STATUS_NOT_SUPPORTED,
         "fp8: A must be transposed and B not, both in column order");
    for (const Layout* layout : {&problem.a, &problem.b, &problem.c, &problem.d}) {
      const std::uint64_t row = static_cast<std::uint64_t>(bytes_of(type_of(*layout)));
      need(contiguous(*layout) * row % kFp8Alignment == 0 && layout->ld * row % kFp8Alignment == 0,
           CUBLAS_STATUS_NOT_SUPPORTED,
           "fp8: rows, columns and leading dimensions must be multiples of 16 bytes");
    }
  }
  if (type == CUDA_R_8I) {
    need(is_tn(problem), CUBLAS_STATUS_NOT_SUPPORTED,
         "s8: A must be transposed and B not, both in column order");
    need(problem.m % 4 == 0 && problem.k % 4 == 0, CUBLAS_STATUS_NOT_SUPPORTED,
         "s8: m and k must be multiples of 4");
    need(problem.a.ld % 4 == 0 && problem.b.ld % 4 == 0 && problem.c.ld % 4 == 0 &&
             problem.d.ld % 4 == 0,
         CUBLAS_STATUS_NOT_SUPPORTED, "s8: leading dimensions must be multiples of 4");
  }
}

void check_alignment(const void* pointer, std::uint64_t alignment, const char* name) {
  if (reinterpret_cast<std::uint64_t>(pointer) % alignment == 0) return;
  refuse(CUBLAS_STATUS_INVALID_VALUE,
         fmt::format("{} at {} is not aligned to {} bytes", name, pointer, alignment));
}

bool same_layout(const Layout& a, const Layout& b) {
  return a.type == b.type && a.order == b.order && a.rows == b.rows && a.cols == b.cols &&
         a.ld == b.ld && a.batch_count == b.batch_count && a.batch_stride == b.batch_stride;
}

}  // namespace

std::uint64_t span_bytes(const Layout& layout) {
  return (layout.batch_stride * static_cast<std::uint64_t>(layout.batch_count - 1) +
          extent(layout)) *
         static_cast<std::uint64_t>(bytes_of(type_of(layout)));
}

Problem make_problem(const MatmulDesc* desc, const Layout* a, const Layout* b, const Layout* c,
                     const Layout* d, int capability) {
  need(desc != nullptr && a != nullptr && b != nullptr && d != nullptr, CUBLAS_STATUS_INVALID_VALUE,
       "a descriptor is missing");
  Problem problem;
  problem.desc = *desc;
  problem.a = *a;
  problem.b = *b;
  problem.d = *d;
  problem.c = c != nullptr ? *c : *d;
  check_layout(problem.a, "A", false);
  check_layout(problem.b, "B", false);
  check_layout(problem.c, "C", true);
  check_layout(problem.d, "D", false);
  check_shapes(problem);
  check_batch(problem);
  need(desc->transpose_c == CUBLAS_OP_N && desc->fill_mode == CUBLAS_FILL_MODE_FULL,
       CUBLAS_STATUS_NOT_SUPPORTED, "only a full, untransposed C");
  need(desc->pointer_mode == CUBLASLT_POINTER_MODE_HOST ||
           desc->pointer_mode == CUBLASLT_POINTER_MODE_DEVICE,
       CUBLAS_STATUS_NOT_SUPPORTED, "vectors of alpha are not simulated");
  const auto support = support_of({static_cast<cublasComputeType_t>(desc->compute_type),
                                   static_cast<cudaDataType>(desc->scale_type), type_of(problem.a),
                                   type_of(problem.b), type_of(problem.c), type_of(problem.d)});
  if (!support) {
    refuse(CUBLAS_STATUS_NOT_SUPPORTED,
           fmt::format("compute type {}, scale {}, A {}, B {}, C {}, D {} do not go together",
                       desc->compute_type, name_of(static_cast<cudaDataType>(desc->scale_type)),
                       name_of(type_of(problem.a)), name_of(type_of(problem.b)),
                       name_of(type_of(problem.c)), name_of(type_of(problem.d))));
  }
  problem.support = *support;
  check_epilogue(problem);
  check_scales(problem);
  check_narrow_types(problem, capability);
  return problem;
}

void check_pointers(const Problem& problem, const Pointers& pointers, const Algorithm* algorithm) {
  need(pointers.alpha != nullptr && pointers.beta != nullptr, CUBLAS_STATUS_INVALID_VALUE,
       "alpha or beta is null");
  need(pointers.a != nullptr && pointers.b != nullptr && pointers.d != nullptr,
       CUBLAS_STATUS_INVALID_VALUE, "A, B or D is null");
  if (pointers.c == pointers.d) {
    need(same_layout(problem.c, problem.d), CUBLAS_STATUS_INVALID_VALUE,
         "C is D, but their layouts differ");
  }
  const cudaDataType type = type_of(problem.a);
  const std::uint64_t least = is_fp8(type)        ? kFp8Alignment
                              : type == CUDA_R_8I ? kIntegerAlignment
                                                  : 1;
  const auto check = [&](const void* pointer, const Layout& layout, std::uint32_t counted_on,
                         const char* name) {
    const auto element = static_cast<std::uint64_t>(bytes_of(type_of(layout)));
    check_alignment(pointer, std::max({least, element, std::uint64_t{counted_on}}), name);
  };
  const Algorithm any;
  const Algorithm& chosen = algorithm != nullptr ? *algorithm : any;
  check(pointers.a, problem.a, chosen.alignment_a, "A");
  check(pointers.b, problem.b, chosen.alignment_b, "B");
  check(pointers.c, problem.c, chosen.alignment_c, "C");
  check(pointers.d, problem.d, chosen.alignment_d, "D");
  if (pointers.workspace_bytes > 0) {
    need(pointers.workspace != nullptr, CUBLAS_STATUS_INVALID_VALUE,
         "a workspace of some size at null");
    check_alignment(pointers.workspace, kWorkspaceAlignment, "the workspace");
  }
  if (pointers.workspace_bytes < chosen.workspace) {
    refuse(CUBLAS_STATUS_INVALID_VALUE,
           fmt::format("the algorithm needs {} bytes of workspace, given {}", chosen.workspace,
                       pointers.workspace_bytes));
  }
}

}  // namespace moe::simt::lt
