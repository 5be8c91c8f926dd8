// A product in device memory, for tests: small shapes, all descriptors at hand.
#pragma once
#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "harness/simt/check/finding.h"
#include "harness/simt/runtime/control.h"
#include "harness/simt/runtime/cublaslt/elements.h"

namespace moe::simt::lt {

class MatmulTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cublasLtCreate(&handle_), CUBLAS_STATUS_SUCCESS);
    ASSERT_EQ(cublasLtMatmulPreferenceCreate(&preference_), CUBLAS_STATUS_SUCCESS);
    take_findings();
  }
  void TearDown() override {
    cublasLtMatmulPreferenceDestroy(preference_);
    if (desc_ != nullptr) cublasLtMatmulDescDestroy(desc_);
    for (cublasLtMatrixLayout_t layout : {a_layout_, b_layout_, c_layout_, d_layout_}) {
      if (layout != nullptr) cublasLtMatrixLayoutDestroy(layout);
    }
    cublasLtDestroy(handle_);
    EXPECT_TRUE(take_findings().empty());
    EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
  }

  void make_desc(cublasComputeType_t compute, cudaDataType scale) {
    ASSERT_EQ(cublasLtMatmulDescCreate(&desc_, compute, scale), CUBLAS_STATUS_SUCCESS);
  }
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, T value) {
    ASSERT_EQ(cublasLtMatmulDescSetAttribute(desc_, attribute, &value, sizeof value),
              CUBLAS_STATUS_SUCCESS);
  }
  template <class T>
  static void set(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t attribute,
                  T value) {
    ASSERT_EQ(cublasLtMatrixLayoutSetAttribute(layout, attribute, &value, sizeof value),
              CUBLAS_STATUS_SUCCESS);
  }
  static cublasLtMatrixLayout_t layout(cudaDataType type, std::uint64_t rows, std::uint64_t cols,
                                       std::int64_t ld) {
    cublasLtMatrixLayout_t made = nullptr;
    EXPECT_EQ(cublasLtMatrixLayoutCreate(&made, type, rows, cols, ld), CUBLAS_STATUS_SUCCESS);
    return made;
  }

  // Values in device memory as `type`, in the order given.
  static void* device(cudaDataType type, const std::vector<double>& values) {
    std::vector<std::byte> bytes(values.size() * bytes_of(type));
    for (std::size_t i = 0; i < values.size(); ++i)
      store(type, &bytes[i * bytes_of(type)], values[i]);
    void* pointer = nullptr;
    EXPECT_EQ(cudaMalloc(&pointer, bytes.size()), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(pointer, bytes.data(), bytes.size(), cudaMemcpyHostToDevice), cudaSuccess);
    return pointer;
  }
  static std::vector<double> host(cudaDataType type, const void* pointer, std::size_t count) {
    std::vector<std::byte> bytes(count * bytes_of(type));
    EXPECT_EQ(cudaMemcpy(bytes.data(), pointer, bytes.size(), cudaMemcpyDeviceToHost), cudaSuccess);
    std::vector<double> values;
    for (std::size_t i = 0; i < count; ++i)
      values.push_back(load(type, &bytes[i * bytes_of(type)]));
    return values;
  }
  static std::vector<Check> found() {
    std::vector<Check> checks;
    for (const Finding& finding : take_findings()) checks.push_back(finding.check);
    return checks;
  }

  // alpha and beta of f32.
  cublasStatus_t matmul(float alpha = 1, float beta = 0) {
    return cublasLtMatmul(handle_, desc_, &alpha, a_, a_layout_, b_, b_layout_, &beta, c_,
                          c_layout_, d_, d_layout_, algo_, workspace_, workspace_bytes_, nullptr);
  }

  // A 2 x 3, B 3 x 2, C and D 2 x 2, all f32 in column order:
  //   A = 1 2 3   B = 1 0   C = 10 30   A B = 4 5   A B + C = 14 35
  //       4 5 6       0 1       20 40         10 11           30 51
  //                   1 1
  void small_product() {
    make_desc(CUBLAS_COMPUTE_32F, CUDA_R_32F);
    a_layout_ = layout(CUDA_R_32F, 2, 3, 2);
    b_layout_ = layout(CUDA_R_32F, 3, 2, 3);
    c_layout_ = layout(CUDA_R_32F, 2, 2, 2);
    d_layout_ = layout(CUDA_R_32F, 2, 2, 2);
    a_ = device(CUDA_R_32F, {1, 4, 2, 5, 3, 6});
    b_ = device(CUDA_R_32F, {1, 0, 1, 0, 1, 1});
    c_ = device(CUDA_R_32F, {10, 20, 30, 40});
    ASSERT_EQ(cudaMalloc(&d_, 4 * sizeof(float)), cudaSuccess);
  }
  std::vector<double> small_result() const { return host(CUDA_R_32F, d_, 4); }

  cublasLtHandle_t handle_ = nullptr;
  cublasLtMatmulDesc_t desc_ = nullptr;
  cublasLtMatrixLayout_t a_layout_ = nullptr, b_layout_ = nullptr, c_layout_ = nullptr,
                         d_layout_ = nullptr;
  cublasLtMatmulPreference_t preference_ = nullptr;
  void *a_ = nullptr, *b_ = nullptr, *c_ = nullptr, *d_ = nullptr, *workspace_ = nullptr;
  std::size_t workspace_bytes_ = 0;
  const cublasLtMatmulAlgo_t* algo_ = nullptr;
};

}  // namespace moe::simt::lt
