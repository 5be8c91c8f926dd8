// What an algorithm says of itself.
#include "harness/simt/runtime/cublaslt/matmul_test_case.h"

namespace moe::simt::lt {
namespace {

class Algorithms : public MatmulTest {
 protected:
  void choose() {
    small_product();
    int count = 0;
    ASSERT_EQ(cublasLtMatmulAlgoGetHeuristic(handle_, desc_, a_layout_, b_layout_, c_layout_,
                                             d_layout_, preference_, 1, &found_, &count),
              CUBLAS_STATUS_SUCCESS);
    ASSERT_EQ(count, 1);
  }
  cublasStatus_t get(cublasLtMatmulAlgoConfigAttributes_t id, void* buffer, std::size_t bytes,
                     std::size_t* written) const {
    return cublasLtMatmulAlgoConfigGetAttribute(&found_.algo, id, buffer, bytes, written);
  }

  cublasLtMatmulHeuristicResult_t found_{};
};

TEST_F(Algorithms, TellTheirIdAndThatTheyDoNotSplitTheSum) {
  choose();
  std::int32_t id = -1, splits = -1;
  std::size_t written = 0;
  EXPECT_EQ(get(CUBLASLT_ALGO_CONFIG_ID, &id, sizeof id, &written), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(id, 0);
  EXPECT_EQ(written, sizeof id);
  EXPECT_EQ(get(CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &splits, sizeof splits, nullptr),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(splits, 1);
}

TEST_F(Algorithms, TellTheSizesOfTheirAttributes) {
  choose();
  std::size_t bytes = 0;
  EXPECT_EQ(get(CUBLASLT_ALGO_CONFIG_ID, nullptr, 0, &bytes), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(bytes, 4u);
  EXPECT_EQ(get(CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID, nullptr, 0, &bytes), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(bytes, 2u);
}

TEST_F(Algorithms, RefuseOtherSizesNoBufferAndAttributesThatDoNotExist) {
  choose();
  std::int64_t eight_bytes = 0;
  std::size_t written = 0;
  EXPECT_EQ(get(CUBLASLT_ALGO_CONFIG_ID, &eight_bytes, 8, &written), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(get(CUBLASLT_ALGO_CONFIG_ID, nullptr, 4, &written), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(get(CUBLASLT_ALGO_CONFIG_ID, nullptr, 0, nullptr), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(get(static_cast<cublasLtMatmulAlgoConfigAttributes_t>(9), &eight_bytes, 4, &written),
            CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(Algorithms, ThatNobodyChoseTellNothing) {
  std::int32_t id = 0;
  EXPECT_EQ(get(CUBLASLT_ALGO_CONFIG_ID, &id, sizeof id, nullptr), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasLtMatmulAlgoConfigGetAttribute(nullptr, CUBLASLT_ALGO_CONFIG_ID, &id, 4, nullptr),
            CUBLAS_STATUS_INVALID_VALUE);
}

}  // namespace
}  // namespace moe::simt::lt
