// What cuBLASLt refuses, and how.
#include <gmock/gmock.h>

#include "harness/simt/runtime/cublaslt/matmul_test_case.h"
#include "harness/simt/runtime/cublaslt/problem.h"

namespace moe::simt::lt {
namespace {

using testing::ElementsAre;

using Refused = MatmulTest;

TEST_F(Refused, WithoutAHandleNothingIsInitialized) {
  small_product();
  const float one = 1;
  EXPECT_EQ(cublasLtMatmul(nullptr, desc_, &one, a_, a_layout_, b_, b_layout_, &one, c_, c_layout_,
                           d_, d_layout_, nullptr, nullptr, 0, nullptr),
            CUBLAS_STATUS_NOT_INITIALIZED);
}

TEST_F(Refused, AnAttributeOfTheWrongSize) {
  small_product();
  const std::int64_t eight_bytes = CUBLAS_OP_T;
  EXPECT_EQ(cublasLtMatmulDescSetAttribute(desc_, CUBLASLT_MATMUL_DESC_TRANSA, &eight_bytes, 8),
            CUBLAS_STATUS_INVALID_VALUE);
  std::size_t bytes = 0;
  EXPECT_EQ(cublasLtMatmulDescGetAttribute(desc_, CUBLASLT_MATMUL_DESC_TRANSA, nullptr, 0, &bytes),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(bytes, 4u);
}

TEST_F(Refused, AttributesThatDoNotExist) {
  small_product();
  const std::int32_t value = 0;
  EXPECT_EQ(cublasLtMatmulDescSetAttribute(desc_, static_cast<cublasLtMatmulDescAttributes_t>(9),
                                           &value, 4),
            CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(Refused, ADestroyedDescriptor) {
  // On the stack, so that the memory is still there to look at.
  small_product();
  cublasLtMatrixLayoutOpaque_t own;
  ASSERT_EQ(cublasLtMatrixLayoutInit(&own, CUDA_R_32F, 2, 3, 2), CUBLAS_STATUS_SUCCESS);
  own.data[0] = 0;
  const float one = 1, zero = 0;
  EXPECT_EQ(cublasLtMatmul(handle_, desc_, &one, a_, &own, b_, b_layout_, &zero, c_, c_layout_, d_,
                           d_layout_, nullptr, nullptr, 0, nullptr),
            CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(Refused, ShapesThatDoNotMatch) {
  small_product();
  set<std::uint64_t>(b_layout_, CUBLASLT_MATRIX_LAYOUT_ROWS, 2);
  EXPECT_EQ(matmul(), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(Refused, ALeadingDimensionBelowTheRows) {
  small_product();
  set<std::int64_t>(a_layout_, CUBLASLT_MATRIX_LAYOUT_LD, 1);
  EXPECT_EQ(matmul(), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(Refused, TypesThatDoNotGoTogether) {
  small_product();
  set<std::uint32_t>(b_layout_, CUBLASLT_MATRIX_LAYOUT_TYPE, CUDA_R_16F);
  EXPECT_EQ(matmul(), CUBLAS_STATUS_NOT_SUPPORTED);
  set<std::uint32_t>(b_layout_, CUBLASLT_MATRIX_LAYOUT_TYPE, CUDA_R_32F);
  set<std::int32_t>(CUBLASLT_MATMUL_DESC_COMPUTE_TYPE, CUBLAS_COMPUTE_16F);
  EXPECT_EQ(matmul(), CUBLAS_STATUS_NOT_SUPPORTED);
}

TEST_F(Refused, EpiloguesWithAuxiliaryOutput) {
  small_product();
  set<std::uint32_t>(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_GELU_AUX);
  EXPECT_EQ(matmul(), CUBLAS_STATUS_NOT_SUPPORTED);
}

TEST_F(Refused, ABiasThatIsNotThere) {
  small_product();
  set<std::uint32_t>(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
  EXPECT_EQ(matmul(), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(Refused, AScaleOfWhatIsNotEightBits) {
  small_product();
  set<void*>(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, device(CUDA_R_32F, {1}));
  EXPECT_EQ(matmul(), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(Refused, AWorkspaceSmallerThanTheAlgorithmSaid) {
  small_product();
  const std::uint64_t most = 1 << 20;
  ASSERT_EQ(cublasLtMatmulPreferenceSetAttribute(
                preference_, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most, 8),
            CUBLAS_STATUS_SUCCESS);
  cublasLtMatmulHeuristicResult_t result;
  int count = 0;
  ASSERT_EQ(cublasLtMatmulAlgoGetHeuristic(handle_, desc_, a_layout_, b_layout_, c_layout_,
                                           d_layout_, preference_, 1, &result, &count),
            CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(count, 1);
  ASSERT_GT(result.workspaceSize, 0u);
  ASSERT_LE(result.workspaceSize, most);
  algo_ = &result.algo;
  EXPECT_EQ(matmul(), CUBLAS_STATUS_INVALID_VALUE);
  ASSERT_EQ(cudaMalloc(&workspace_, result.workspaceSize + 256), cudaSuccess);
  workspace_bytes_ = result.workspaceSize;
  EXPECT_EQ(matmul(), CUBLAS_STATUS_SUCCESS);
  workspace_ = static_cast<char*>(workspace_) + 128;  // not aligned to 256
  EXPECT_EQ(matmul(), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(Refused, HeuristicsForWhatIsNotSupported) {
  small_product();
  set<std::int32_t>(CUBLASLT_MATMUL_DESC_COMPUTE_TYPE, CUBLAS_COMPUTE_64F);
  cublasLtMatmulHeuristicResult_t result;
  int count = -1;
  EXPECT_EQ(cublasLtMatmulAlgoGetHeuristic(handle_, desc_, a_layout_, b_layout_, c_layout_,
                                           d_layout_, preference_, 1, &result, &count),
            CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(count, 0);
}

TEST_F(Refused, InPlaceWithAnotherLayout) {
  small_product();
  c_ = d_;
  set<std::int64_t>(c_layout_, CUBLASLT_MATRIX_LAYOUT_LD, 3);
  EXPECT_EQ(matmul(), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(Refused, BatchesThatOverlapInD) {
  small_product();
  for (cublasLtMatrixLayout_t each : {a_layout_, b_layout_, c_layout_, d_layout_}) {
    set<std::int32_t>(each, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, 2);
  }
  set<std::int64_t>(d_layout_, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, 3);
  EXPECT_EQ(matmul(), CUBLAS_STATUS_INVALID_VALUE);
}

class RefusedFp8 : public MatmulTest {
 protected:
  void product(std::int32_t transpose_a, std::uint64_t rows) {
    make_desc(CUBLAS_COMPUTE_32F, CUDA_R_32F);
    set<std::int32_t>(CUBLASLT_MATMUL_DESC_TRANSA, transpose_a);
    a_layout_ = layout(CUDA_R_8F_E4M3, 16, 16, rows);
    b_layout_ = layout(CUDA_R_8F_E4M3, 16, 16, 16);
    c_layout_ = layout(CUDA_R_16BF, 16, 16, 16);
    d_layout_ = layout(CUDA_R_16BF, 16, 16, 16);
    a_ = device(CUDA_R_8F_E4M3, std::vector<double>(rows * 16, 0));
    b_ = device(CUDA_R_8F_E4M3, std::vector<double>(16 * 16 + 8, 0));
    ASSERT_EQ(cudaMalloc(&d_, 512), cudaSuccess);
    c_ = d_;
  }
  cublasStatus_t status_on(int capability) const {
    try {
      make_problem(object_of<MatmulDesc>(desc_), object_of<Layout>(a_layout_),
                   object_of<Layout>(b_layout_), object_of<Layout>(c_layout_),
                   object_of<Layout>(d_layout_), capability);
      return CUBLAS_STATUS_SUCCESS;
    } catch (const Refusal& refusal) {
      return refusal.status;
    }
  }
};

TEST_F(RefusedFp8, OtherFormatsThanTn) {
  product(CUBLAS_OP_N, 16);
  EXPECT_EQ(status_on(90), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(status_on(100), CUBLAS_STATUS_SUCCESS);  // which takes every format
}

TEST_F(RefusedFp8, BelowCapability89) {
  product(CUBLAS_OP_T, 16);
  EXPECT_EQ(status_on(80), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(status_on(89), CUBLAS_STATUS_SUCCESS);
}

TEST_F(RefusedFp8, LeadingDimensionsOfOddBytes) {
  product(CUBLAS_OP_T, 24);
  EXPECT_EQ(matmul(), CUBLAS_STATUS_NOT_SUPPORTED);
}

TEST_F(RefusedFp8, PointersNotAlignedToSixteenBytes) {
  if (simulated_device().architecture.major < 9) GTEST_SKIP() << "sm_80 has no fp8";
  product(CUBLAS_OP_T, 16);
  b_ = static_cast<char*>(b_) + 8;
  EXPECT_EQ(matmul(), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(RefusedFp8, TwoE5m2) {
  product(CUBLAS_OP_T, 16);
  set<std::uint32_t>(a_layout_, CUBLASLT_MATRIX_LAYOUT_TYPE, CUDA_R_8F_E5M2);
  set<std::uint32_t>(b_layout_, CUBLASLT_MATRIX_LAYOUT_TYPE, CUDA_R_8F_E5M2);
  EXPECT_EQ(matmul(), CUBLAS_STATUS_NOT_SUPPORTED);
}

TEST_F(Refused, MatricesThatRunPastTheirAllocationAreFound) {
  small_product();
  ASSERT_EQ(cudaMalloc(&d_, 12), cudaSuccess);
  EXPECT_EQ(matmul(), CUBLAS_STATUS_EXECUTION_FAILED);
  EXPECT_THAT(found(), ElementsAre(Check::kOutOfBounds));
}

TEST_F(Refused, InputsThatNothingWroteAreFound) {
  small_product();
  ASSERT_EQ(cudaMalloc(&a_, 24), cudaSuccess);
  EXPECT_EQ(matmul(), CUBLAS_STATUS_SUCCESS);
  EXPECT_THAT(found(), ElementsAre(Check::kUninitialised));
}

TEST_F(Refused, AResultOnTopOfItsInputIsFound) {
  small_product();
  d_ = b_;
  EXPECT_EQ(matmul(), CUBLAS_STATUS_EXECUTION_FAILED);
  EXPECT_THAT(found(), ElementsAre(Check::kBadArgument));
}

TEST_F(Refused, HostMemoryAsAMatrixIsFound) {
  small_product();
  float mine[6] = {};
  a_ = mine;
  EXPECT_EQ(matmul(), CUBLAS_STATUS_EXECUTION_FAILED);
  EXPECT_THAT(found(), ElementsAre(Check::kBadArgument));
}

}  // namespace
}  // namespace moe::simt::lt
