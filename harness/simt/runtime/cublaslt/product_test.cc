// Products with results worked out by hand.
#include <gmock/gmock.h>

#include <cmath>

#include "harness/simt/runtime/cublaslt/matmul_test_case.h"

namespace moe::simt::lt {
namespace {

using testing::ElementsAre;

using Product = MatmulTest;

TEST_F(Product, IsThatOfTheMatricesInColumnOrder) {
  small_product();
  ASSERT_EQ(matmul(), CUBLAS_STATUS_SUCCESS);
  EXPECT_THAT(small_result(), ElementsAre(4, 10, 5, 11));
}

TEST_F(Product, AlphaAndBetaWeighItAndC) {
  small_product();
  ASSERT_EQ(matmul(2, 0.5f), CUBLAS_STATUS_SUCCESS);
  EXPECT_THAT(small_result(), ElementsAre(8 + 5, 20 + 10, 10 + 15, 22 + 20));
}

TEST_F(Product, ScalarsMayBeOnTheDevice) {
  small_product();
  set<std::int32_t>(CUBLASLT_MATMUL_DESC_POINTER_MODE, CUBLASLT_POINTER_MODE_DEVICE);
  void* two = device(CUDA_R_32F, {2});
  void* zero = device(CUDA_R_32F, {0});
  ASSERT_EQ(cublasLtMatmul(handle_, desc_, two, a_, a_layout_, b_, b_layout_, zero, c_, c_layout_,
                           d_, d_layout_, nullptr, nullptr, 0, nullptr),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_THAT(small_result(), ElementsAre(8, 20, 10, 22));
}

TEST_F(Product, CMayBeD) {
  small_product();
  ASSERT_EQ(cudaMemcpy(d_, c_, 16, cudaMemcpyDeviceToDevice), cudaSuccess);
  c_ = d_;
  ASSERT_EQ(matmul(1, 1), CUBLAS_STATUS_SUCCESS);
  EXPECT_THAT(small_result(), ElementsAre(14, 30, 35, 51));
}

TEST_F(Product, TransposesAndRowOrderNameTheSameElements) {
  small_product();
  // A as 3 x 2 in column order is A transposed; B in row order with its rows written out.
  set<std::int32_t>(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  cublasLtMatrixLayoutDestroy(a_layout_);
  a_layout_ = layout(CUDA_R_32F, 3, 2, 3);
  a_ = device(CUDA_R_32F, {1, 2, 3, 4, 5, 6});
  set<std::int32_t>(b_layout_, CUBLASLT_MATRIX_LAYOUT_ORDER, CUBLASLT_ORDER_ROW);
  b_ = device(CUDA_R_32F,
              {1, 0, 7, 0, 1, 7, 1, 1, 7});  // a leading dimension of 3: 7 is between the rows
  ASSERT_EQ(matmul(), CUBLAS_STATUS_SUCCESS);
  EXPECT_THAT(small_result(), ElementsAre(4, 10, 5, 11));
}

TEST_F(Product, BiasIsAddedToEveryColumnBeforeTheActivation) {
  small_product();
  set<std::uint32_t>(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_RELU_BIAS);
  set<void*>(CUBLASLT_MATMUL_DESC_BIAS_POINTER, device(CUDA_R_32F, {-4.5, 1}));
  ASSERT_EQ(matmul(), CUBLAS_STATUS_SUCCESS);
  EXPECT_THAT(small_result(), ElementsAre(0, 11, 0.5, 12));
}

TEST_F(Product, GeluIsTheTanhForm) {
  small_product();
  set<std::uint32_t>(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_GELU);
  ASSERT_EQ(matmul(0.25f), CUBLAS_STATUS_SUCCESS);  // of 1, 2.5, 1.25, 2.75
  EXPECT_NEAR(small_result()[0], 0.841192, 1e-6);   // 0.5 (1 + tanh(0.7978845608 * 1.044715))
}

TEST_F(Product, EachMatrixOfABatchHasItsOwnResult) {
  small_product();
  for (cublasLtMatrixLayout_t each : {a_layout_, b_layout_, c_layout_, d_layout_}) {
    set<std::int32_t>(each, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, 2);
  }
  set<std::int64_t>(a_layout_, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, 6);
  set<std::int64_t>(b_layout_, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                    0);  // the same B for both
  set<std::int64_t>(c_layout_, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, 4);
  set<std::int64_t>(d_layout_, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, 4);
  a_ = device(CUDA_R_32F, {1, 4, 2, 5, 3, 6, 0, 0, 0, 1, 1, 0});
  ASSERT_EQ(cudaMalloc(&d_, 8 * sizeof(float)), cudaSuccess);
  ASSERT_EQ(matmul(), CUBLAS_STATUS_SUCCESS);
  EXPECT_THAT(host(CUDA_R_32F, d_, 8), ElementsAre(4, 10, 5, 11, 1, 0, 1, 1));
}

TEST_F(Product, HalvesAreRoundedOnce) {
  // 2049 is half way between the f16 neighbours 2048 and 2050: a sum rounded at each step stays at
  // 2048.
  make_desc(CUBLAS_COMPUTE_32F, CUDA_R_32F);
  a_layout_ = layout(CUDA_R_16F, 1, 4, 1);
  b_layout_ = layout(CUDA_R_16F, 4, 1, 4);
  c_layout_ = layout(CUDA_R_16F, 1, 1, 1);
  d_layout_ = layout(CUDA_R_16F, 1, 1, 1);
  a_ = device(CUDA_R_16F, {2048, 1, 1, 1});
  b_ = device(CUDA_R_16F, {1, 1, 1, 1});
  d_ = c_ = device(CUDA_R_16F, {0});
  ASSERT_EQ(matmul(), CUBLAS_STATUS_SUCCESS);
  EXPECT_THAT(host(CUDA_R_16F, d_, 1), ElementsAre(2052));  // 2051 ties to even
}

TEST_F(Product, OfEightBitFloatsIsScaledAndItsLargestValueKept) {
  if (simulated_device().architecture.major < 9) GTEST_SKIP() << "sm_80 has no fp8";
  make_desc(CUBLAS_COMPUTE_32F, CUDA_R_32F);
  set<std::int32_t>(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  a_layout_ = layout(CUDA_R_8F_E4M3, 16, 16, 16);
  b_layout_ = layout(CUDA_R_8F_E4M3, 16, 16, 16);
  c_layout_ = layout(CUDA_R_16BF, 16, 16, 16);
  d_layout_ = layout(CUDA_R_8F_E4M3, 16, 16, 16);
  std::vector<double> a(256, 0), b(256, 0);
  a[0] = 2, a[1] = 1;   // row 0 of op(A)
  b[0] = 3, b[1] = -8;  // column 0 of B
  a_ = device(CUDA_R_8F_E4M3, a);
  b_ = device(CUDA_R_8F_E4M3, b);
  c_ = device(CUDA_R_16BF, a);
  ASSERT_EQ(cudaMalloc(&d_, 256), cudaSuccess);
  set<void*>(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, device(CUDA_R_32F, {10}));
  set<void*>(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, device(CUDA_R_32F, {0.5}));
  set<void*>(CUBLASLT_MATMUL_DESC_D_SCALE_POINTER, device(CUDA_R_32F, {4}));
  void* amax = device(CUDA_R_32F, {0});
  set<void*>(CUBLASLT_MATMUL_DESC_AMAX_D_POINTER, amax);
  ASSERT_EQ(matmul(), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(host(CUDA_R_8F_E4M3, d_, 1)[0], -40);  // (2 * 3 - 8) * 10 * 0.5 * 4
  EXPECT_EQ(host(CUDA_R_32F, amax, 1)[0], 10);     // before D's scale
}

TEST_F(Product, OfBytesSumsInIntegers) {
  make_desc(CUBLAS_COMPUTE_32I, CUDA_R_32I);
  set<std::int32_t>(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  a_layout_ = layout(CUDA_R_8I, 4, 4, 4);
  b_layout_ = layout(CUDA_R_8I, 4, 1, 4);
  c_layout_ = layout(CUDA_R_32I, 4, 1, 4);
  d_layout_ = layout(CUDA_R_32I, 4, 1, 4);
  a_ = device(CUDA_R_8I, {127, 127, 127, 127, -128, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0});
  b_ = device(CUDA_R_8I, {127, 127, 127, 127});
  ASSERT_EQ(cudaMalloc(&d_, 16), cudaSuccess);
  c_ = d_;
  const std::int32_t one = 1, zero = 0;
  ASSERT_EQ(cublasLtMatmul(handle_, desc_, &one, a_, a_layout_, b_, b_layout_, &zero, c_, c_layout_,
                           d_, d_layout_, nullptr, nullptr, 0, nullptr),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_THAT(host(CUDA_R_32I, d_, 4), ElementsAre(4 * 127 * 127, -128 * 127, 1270, 0));
}

TEST_F(Product, IsPartOfAGraphWhenItsStreamIsCaptured) {
  small_product();
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  {
    const float alpha = 1, beta = 0;  // gone when the graph runs
    ASSERT_EQ(cublasLtMatmul(handle_, desc_, &alpha, a_, a_layout_, b_, b_layout_, &beta, c_,
                             c_layout_, d_, d_layout_, nullptr, nullptr, 0, stream),
              CUBLAS_STATUS_SUCCESS);
  }
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
  ASSERT_EQ(cudaGraphLaunch(exec, stream), cudaSuccess);
  EXPECT_THAT(small_result(), ElementsAre(4, 10, 5, 11));
}

}  // namespace
}  // namespace moe::simt::lt
