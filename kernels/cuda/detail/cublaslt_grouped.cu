#include <stdexcept>
#include <vector>

#include "kernels/cuda/detail/cublaslt.h"
#include "kernels/cuda/detail/cublaslt_calls.h"
#include "kernels/cuda/detail/cublaslt_grouped.h"
#include "kernels/cuda/detail/device.h"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/weights.h"

namespace moe::cuda {

std::optional<std::string> cublaslt_grouped_unsupported(const MoeShape& shape) {
  if (!MOE_CUBLASLT_HAS_GROUPED || cublasLtGetVersion() < 130400) {
    return cublaslt_version() +
           " has no grouped product that can be relied on: 13.2 (toolkit 13.1) brought them as an "
           "experiment, and 13.4 (toolkit 13.2 Update 1) is the first used here";
  }
  if (is_simulated()) return "the interpreter does not have the grouped product of cuBLASLt";
  if (shape.dtype != DType::kBf16 && shape.dtype != DType::kF16) {
    return "grouped products of cuBLASLt take bf16, f16, and e4m3 with other scales than one a row";
  }
  const DeviceTraits& traits = device_traits();
  if (traits.major < 9 || traits.major > 11) {
    return "grouped products of cuBLASLt need a device of compute capability 9.0, 10 or 11";
  }
  // Its release notes, from 13.4 to 13.6: on Hopper, one workspace for products one after another
  // may hang the device.
  if (traits.major == 9 && cublasLtGetVersion() < 130700) {
    return "on sm_90 grouped products of " + cublaslt_version() + " may hang; mended in 13.7";
  }
  if (shape.hidden % 8 != 0 || shape.ffn % 8 != 0) {
    return "grouped products of cuBLASLt need widths that are multiples of 16 bytes";
  }
  return std::nullopt;
}

#if MOE_CUBLASLT_HAS_GROUPED

namespace {

constexpr int kThreads = 128;
constexpr std::int64_t kSizes = 5;

unsigned blocks_for(int experts) {
  return static_cast<unsigned>((experts + kThreads - 1) / kThreads);
}

__global__ void set_sizes(std::int32_t* sizes, int experts, std::int32_t columns,
                          std::int32_t depth, std::int32_t a_stride, std::int32_t b_stride,
                          std::int32_t c_stride) {
  const int e = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (e >= experts) return;
  const std::int32_t values[] = {columns, depth, a_stride, b_stride, c_stride};
  for (int i = 0; i < 5; ++i) sizes[i * experts + e] = values[i];
}

__global__ void set_scalars(float* scalars) {
  scalars[0] = 1;
  scalars[1] = 0;
}

// Expert e's rows begin at begin[e], or at e * rows where there is no begin.
template <class Pointer, class Byte>
__global__ void point_at_groups(Pointer* pointers, Byte* first, const std::int32_t* begin,
                                std::int64_t rows, int experts, std::int64_t row_bytes) {
  const int e = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (e >= experts) return;
  pointers[e] = first + (begin != nullptr ? begin[e] : e * rows) * row_bytes;
}

}  // namespace

LtGroupedProduct::LtGroupedProduct(const LtGroups& groups)
    : groups_(groups),
      sizes_(kSizes * groups.experts),
      b_(groups.experts),
      a_(groups.experts),
      c_(groups.experts),
      scalars_(2),
      library_workspace_(kLtWorkspaceBytes) {
  const int experts = groups.experts;
  const auto narrow = [](std::int64_t size) { return static_cast<std::int32_t>(size); };
  set_sizes<<<blocks_for(experts), kThreads, 0, stream()>>>(
      sizes_.data(), experts, narrow(groups.columns), narrow(groups.depth), narrow(groups.a_stride),
      narrow(groups.b_stride), narrow(groups.c_stride));
  check_launch();
  set_scalars<<<1, 1, 0, stream()>>>(scalars_.data());
  check_launch();
  point_at_groups<<<blocks_for(experts), kThreads, 0, stream()>>>(
      b_.data(), static_cast<const char*>(groups.b), nullptr, groups.columns, experts,
      groups.b_stride * element_bytes(groups.dtype));
  check_launch();
  check(cudaStreamSynchronize(stream()));

  // As in cublaslt.cu: C^T = B A^T, so B (depth x columns, transposed) is the first operand.
  const auto size = [&](int i) { return sizes_.data() + std::int64_t{i} * experts; };
  const auto layout = [&](cublasLtMatrixLayoutOpaque_t& made, DType type, const std::int32_t* rows,
                          const std::int32_t* columns, const std::int32_t* stride) {
    lt::check(
        cublasLtGroupedMatrixLayoutInit(&made, lt::type_of(type), experts, rows, columns, stride),
        "cublasLtGroupedMatrixLayoutInit");
  };
  layout(b_layout_, groups.dtype, size(1), size(0), size(3));
  layout(a_layout_, groups.dtype, size(1), groups.count, size(2));
  layout(c_layout_, groups.c_type, size(0), groups.count, size(4));

  lt::check(cublasLtMatmulDescInit(&operation_, CUBLAS_COMPUTE_32F, CUDA_R_32F),
            "cublasLtMatmulDescInit");
  const auto set = [&](cublasLtMatmulDescAttributes_t which, auto value) {
    lt::check(cublasLtMatmulDescSetAttribute(&operation_, which, &value, sizeof value),
              "cublasLtMatmulDescSetAttribute");
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  // On sm_90 scalars from the host came out wrong, from 13.4 on.
  set(CUBLASLT_MATMUL_DESC_POINTER_MODE, CUBLASLT_POINTER_MODE_DEVICE);
  choose(groups.average_rows);
}

void LtGroupedProduct::choose(std::int64_t average_rows) {
  cublasLtMatmulPreferenceOpaque_t preference{};
  lt::check(cublasLtMatmulPreferenceInit(&preference), "cublasLtMatmulPreferenceInit");
  const auto set = [&](cublasLtMatmulPreferenceAttributes_t which, auto value) {
    lt::check(cublasLtMatmulPreferenceSetAttribute(&preference, which, &value, sizeof value),
              "cublasLtMatmulPreferenceSetAttribute");
  };
  set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{kLtWorkspaceBytes});
  set(CUBLASLT_MATMUL_PREF_GROUPED_DESC_D_AVERAGE_ROWS, groups_.columns);
  set(CUBLASLT_MATMUL_PREF_GROUPED_DESC_D_AVERAGE_COLS, average_rows);
  set(CUBLASLT_MATMUL_PREF_GROUPED_AVERAGE_REDUCTION_DIM, groups_.depth);
  cublasLtMatmulHeuristicResult_t found{};
  int count = 0;
  lt::check(cublasLtMatmulAlgoGetHeuristic(lt::handle(), &operation_, &b_layout_, &a_layout_,
                                           &c_layout_, &c_layout_, &preference, 1, &found, &count),
            "cublasLtMatmulAlgoGetHeuristic");
  if (count == 0) throw std::runtime_error("cuBLASLt has no algorithm for this grouped product");
  algorithm_ = found.algo;
}

void LtGroupedProduct::run(const void* a, void* c, cudaStream_t stream) {
  const int experts = groups_.experts;
  point_at_groups<<<blocks_for(experts), kThreads, 0, stream>>>(
      a_.data(), static_cast<const char*>(a), groups_.begin, 0, experts,
      groups_.a_stride * element_bytes(groups_.dtype));
  check_launch();
  point_at_groups<<<blocks_for(experts), kThreads, 0, stream>>>(
      c_.data(), static_cast<char*>(c), groups_.begin, 0, experts,
      groups_.c_stride * element_bytes(groups_.c_type));
  check_launch();
  const float* one = scalars_.data();
  lt::check(cublasLtMatmul(lt::handle(), &operation_, one, b_.data(), &b_layout_, a_.data(),
                           &a_layout_, one + 1, c_.data(), &c_layout_, c_.data(), &c_layout_,
                           &algorithm_, library_workspace_.data(),
                           static_cast<std::size_t>(library_workspace_.bytes()), stream),
            "cublasLtMatmul");
}

int LtGroupedProduct::algorithm() const { return lt::id_of(algorithm_); }

std::int64_t LtGroupedProduct::workspace_bytes() const {
  return sizes_.bytes() + b_.bytes() + a_.bytes() + c_.bytes() + scalars_.bytes() +
         library_workspace_.bytes();
}

#endif

}  // namespace moe::cuda
