// The worked example of harness/simt/README.md: sums the rows of a matrix, and checks itself.
#include <cstdio>
#include <vector>

constexpr int kRows = 5, kColumns = 300, kThreads = 128;

__global__ void row_sums(const float* x, float* sums) {
  __shared__ float of_thread[kThreads];
  float sum = 0;
  for (int c = threadIdx.x; c < kColumns; c += kThreads) sum += x[blockIdx.x * kColumns + c];
  of_thread[threadIdx.x] = sum;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) of_thread[threadIdx.x] += of_thread[threadIdx.x + half];
  }
  if (threadIdx.x == 0) sums[blockIdx.x] = of_thread[0];
}

int main() {
  const std::vector<float> ones(kRows * kColumns, 1.0f);
  float *x = nullptr, *sums = nullptr;
  cudaMalloc(&x, ones.size() * sizeof(float));
  cudaMalloc(&sums, kRows * sizeof(float));
  cudaMemcpy(x, ones.data(), ones.size() * sizeof(float), cudaMemcpyHostToDevice);
  row_sums<<<kRows, kThreads>>>(x, sums);
  std::vector<float> got(kRows);
  if (cudaMemcpy(got.data(), sums, kRows * sizeof(float), cudaMemcpyDeviceToHost) != cudaSuccess) {
    return 1;
  }
  for (float sum : got) {
    if (!(sum == kColumns)) {
      std::printf("a row of %d ones adds up to %g\n", kColumns, sum);
      return 1;
    }
  }
  cudaFree(x);
  cudaFree(sums);
  return 0;
}
