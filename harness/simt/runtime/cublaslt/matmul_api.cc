// cublasLtMatmul and the choice of its algorithm.
#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "harness/simt/runtime/cublaslt/elements.h"
#include "harness/simt/runtime/cublaslt/problem.h"
#include "harness/simt/runtime/cublaslt/work.h"
#include "harness/simt/runtime/runtime.h"

namespace moe::simt::lt {
namespace {

// What the algorithm asks for where it may: enough that a program which forgets it is told.
constexpr std::uint64_t kWorkspaceDemand = 65536;

int capability(const Runtime& runtime) {
  return runtime.device.architecture.major * 10 + runtime.device.architecture.minor;
}

cublasStatus_t say(const char* function, const Refusal& refusal) {
  fmt::print(stderr, "simt: {}: {}\n", function, refusal.reason);
  return refusal.status;
}

}  // namespace
}  // namespace moe::simt::lt

using namespace moe::simt;
using namespace moe::simt::lt;

extern "C" {

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo,
                              void* workspace, std::size_t workspace_bytes, cudaStream_t stream) {
  constexpr const char* kName = "cublasLtMatmul";
  if (object_of<Handle>(handle) == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  try {
    Runtime& runtime = Runtime::get();
    const Problem problem = make_problem(object_of<MatmulDesc>(desc), object_of<Layout>(a_layout),
                                         object_of<Layout>(b_layout), object_of<Layout>(c_layout),
                                         object_of<Layout>(d_layout), capability(runtime));
    const Pointers pointers{alpha, a, b, beta, c, d, workspace, workspace_bytes};
    const Algorithm* algorithm = object_of<Algorithm>(algo);
    if (algo != nullptr && algorithm == nullptr) {
      throw Refusal{CUBLAS_STATUS_INVALID_VALUE,
                    "the algorithm is not from cublasLtMatmulAlgoGetHeuristic"};
    }
    check_pointers(problem, pointers, algorithm);
    const cudaError_t status = runtime_call(kName, [&](Runtime& locked) {
      return locked.streams.submit(stream, cudaGraphNodeTypeKernel, kName,
                                   make_work(locked, problem, pointers));
    });
    return status == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
  } catch (const Refusal& refusal) {
    return say(kName, refusal);
  }
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference_handle,
                                              int requested,
                                              cublasLtMatmulHeuristicResult_t results[],
                                              int* returned) {
  constexpr const char* kName = "cublasLtMatmulAlgoGetHeuristic";
  if (object_of<Handle>(handle) == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  const Preference* preference = object_of<Preference>(preference_handle);
  if (preference == nullptr || requested <= 0 || results == nullptr || returned == nullptr) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  *returned = 0;
  try {
    const Runtime& runtime = Runtime::get();
    const Problem problem =
        make_problem(object_of<MatmulDesc>(desc), object_of<Layout>(a), object_of<Layout>(b),
                     object_of<Layout>(c), object_of<Layout>(d), capability(runtime));
    const auto element = [](const Layout& layout, std::uint32_t promised) {
      return std::min<std::uint32_t>(
          promised, std::max(16, bytes_of(static_cast<cudaDataType>(layout.type))));
    };
    Algorithm algorithm;
    algorithm.alignment_a = element(problem.a, preference->alignment_a);
    algorithm.alignment_b = element(problem.b, preference->alignment_b);
    algorithm.alignment_c = element(problem.c, preference->alignment_c);
    algorithm.alignment_d = element(problem.d, preference->alignment_d);
    algorithm.workspace = preference->max_workspace >= kWorkspaceDemand ? kWorkspaceDemand : 0;
    results[0] = {};
    std::memcpy(&results[0].algo, &algorithm, sizeof algorithm);
    results[0].workspaceSize = algorithm.workspace;
    results[0].state = CUBLAS_STATUS_SUCCESS;
    results[0].wavesCount = 1;
    *returned = 1;
    return CUBLAS_STATUS_SUCCESS;
  } catch (const Refusal& refusal) {
    return say(kName, refusal);
  }
}

}  // extern "C"
