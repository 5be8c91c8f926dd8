// A kernel from source to result.
#include <gtest/gtest.h>

#include <vector>

namespace {

__global__ void add(const float* a, const float* b, float* sum, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) sum[i] = a[i] + b[i];
}

TEST(Interpreter, AddsTwoVectors) {
  constexpr int n = 1000;
  std::vector<float> a(n), b(n), sum(n);
  for (int i = 0; i < n; ++i) a[i] = i, b[i] = 2 * i + 1;
  float *da, *db, *ds;
  ASSERT_EQ(cudaMalloc(&da, n * sizeof(float)), cudaSuccess);
  ASSERT_EQ(cudaMalloc(&db, n * sizeof(float)), cudaSuccess);
  ASSERT_EQ(cudaMalloc(&ds, n * sizeof(float)), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(da, a.data(), n * sizeof(float), cudaMemcpyHostToDevice), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(db, b.data(), n * sizeof(float), cudaMemcpyHostToDevice), cudaSuccess);
  add<<<(n + 255) / 256, 256>>>(da, db, ds, n);
  ASSERT_EQ(cudaGetLastError(), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(sum.data(), ds, n * sizeof(float), cudaMemcpyDeviceToHost), cudaSuccess);
  for (int i = 0; i < n; ++i) ASSERT_EQ(sum[i], 3 * i + 1) << i;
  EXPECT_EQ(cudaFree(da), cudaSuccess);
  EXPECT_EQ(cudaFree(db), cudaSuccess);
  EXPECT_EQ(cudaFree(ds), cudaSuccess);
}

}  // namespace
