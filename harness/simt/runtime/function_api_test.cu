// Kernels through the runtime: launches, attributes, variables, statuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "harness/simt/runtime/control.h"

namespace {

using moe::simt::Check;
using testing::ElementsAre;
using testing::IsEmpty;

__device__ int counter = 5;
__constant__ float weights[3] = {1, 2, 3};
__managed__ int managed = 7;

__global__ void read_variables(float* out) {
  out[threadIdx.x] = weights[threadIdx.x] * counter + managed;
  __syncthreads();
  if (threadIdx.x == 0) {
    counter = 6;
    managed = 8;
  }
}

__global__ void sum_in_shared(const float* in, float* out, int n) {
  extern __shared__ float all[];
  for (int i = threadIdx.x; i < n; i += blockDim.x) all[i] = in[i];
  __syncthreads();
  if (threadIdx.x == 0) {
    float sum = 0;
    for (int i = 0; i < n; ++i) sum += all[i];
    *out = sum;
  }
}

__global__ void __launch_bounds__(64) at_most_64(int* out) { out[threadIdx.x] = 1; }

__global__ void write_at(int* out, int index) { out[index] = 1; }
__global__ void write_misaligned(char* out) { *reinterpret_cast<int*>(out + 1) = 1; }
__global__ void stop() { __trap(); }
__global__ void add_one(int* value) { *value += 1; }

std::vector<Check> found() {
  std::vector<Check> checks;
  for (const moe::simt::Finding& finding : moe::simt::take_findings())
    checks.push_back(finding.check);
  return checks;
}

class Kernels : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cudaMalloc(&out_, 1024), cudaSuccess);
    ASSERT_EQ(cudaMemset(out_, 0, 1024), cudaSuccess);
  }
  void TearDown() override {
    EXPECT_THAT(found(), IsEmpty());
    EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
  }
  template <class T>
  std::vector<T> result(int count) {
    std::vector<T> values(count);
    EXPECT_EQ(cudaMemcpy(values.data(), out_, count * sizeof(T), cudaMemcpyDeviceToHost),
              cudaSuccess);
    return values;
  }
  template <class T>
  T* out() {
    return static_cast<T*>(out_);
  }
  void* out_ = nullptr;
};

TEST_F(Kernels, ReadAndWriteVariables) {
  read_variables<<<1, 3>>>(out<float>());
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_THAT(result<float>(3), ElementsAre(12, 17, 22));
  int value = 0;
  EXPECT_EQ(cudaMemcpyFromSymbol(&value, counter, sizeof value), cudaSuccess);
  EXPECT_EQ(value, 6);
  EXPECT_EQ(managed, 8);
}

TEST_F(Kernels, VariablesAreSetFromTheHost) {
  const float mine[2] = {10, 20};
  EXPECT_EQ(cudaMemcpyToSymbol(weights, mine, sizeof mine, sizeof(float)), cudaSuccess);
  managed = 0;
  read_variables<<<1, 3>>>(out<float>());
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_THAT(result<float>(3), ElementsAre(5, 50, 100));
  std::size_t bytes = 0;
  void* address = nullptr;
  EXPECT_EQ(cudaGetSymbolSize(&bytes, weights), cudaSuccess);
  EXPECT_EQ(bytes, sizeof weights);
  EXPECT_EQ(cudaGetSymbolAddress(&address, weights), cudaSuccess);
  EXPECT_EQ(cudaMemcpyToSymbol(weights, mine, sizeof mine, 2 * sizeof(float)),
            cudaErrorInvalidValue);
  EXPECT_THAT(found(), ElementsAre(Check::kOutOfBounds));
}

TEST_F(Kernels, MoreThan48KilobytesMustBeAskedFor) {
  constexpr int n = 20000;  // 80 000 bytes
  float* in = nullptr;
  ASSERT_EQ(cudaMalloc(&in, n * sizeof(float)), cudaSuccess);
  const std::vector<float> ones(n, 1.0f);
  ASSERT_EQ(cudaMemcpy(in, ones.data(), n * sizeof(float), cudaMemcpyHostToDevice), cudaSuccess);
  sum_in_shared<<<1, 128, n * sizeof(float)>>>(in, out<float>(), n);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(
      cudaFuncSetAttribute(sum_in_shared, cudaFuncAttributeMaxDynamicSharedMemorySize, 300000),
      cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFuncSetAttribute(sum_in_shared, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 n * sizeof(float)),
            cudaSuccess);
  sum_in_shared<<<1, 128, n * sizeof(float)>>>(in, out<float>(), n);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_THAT(result<float>(1), ElementsAre(n));
}

TEST_F(Kernels, LaunchesThatCannotBeAreRefused) {
  write_at<<<1, 1025>>>(out<int>(), 0);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  write_at<<<0, 1>>>(out<int>(), 0);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  at_most_64<<<1, 65>>>(out<int>());
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  at_most_64<<<1, 64>>>(out<int>());
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(Kernels, TheirAttributesAreThoseOfThePtx) {
  cudaFuncAttributes attributes;
  ASSERT_EQ(cudaFuncGetAttributes(&attributes, at_most_64), cudaSuccess);
  EXPECT_EQ(attributes.maxThreadsPerBlock, 64);
  EXPECT_GT(attributes.numRegs, 0);
  EXPECT_EQ(attributes.sharedSizeBytes, 0u);
  int blocks = 0;
  ASSERT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, at_most_64, 64, 0), cudaSuccess);
  EXPECT_EQ(blocks, 32);
  ASSERT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, at_most_64, 128, 0),
            cudaSuccess);
  EXPECT_EQ(blocks, 0);
  int grid = 0, block = 0;
  ASSERT_EQ(cudaOccupancyMaxPotentialBlockSize(&grid, &block, at_most_64), cudaSuccess);
  EXPECT_EQ(block, 64);
}

TEST_F(Kernels, AWriteOutOfBoundsStaysAnErrorUntilTheDeviceIsReset) {
  write_at<<<1, 1>>>(out<int>(), 256);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_THAT(found(), ElementsAre(Check::kOutOfBounds));
  EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(Kernels, AMisalignedWriteHasItsOwnStatus) {
  write_misaligned<<<1, 1>>>(out<char>());
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorMisalignedAddress);
  EXPECT_THAT(found(), ElementsAre(Check::kMisaligned));
}

TEST_F(Kernels, ATrapFailsTheLaunch) {
  stop<<<1, 1>>>();
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_THAT(found(), ElementsAre(Check::kTrap));
}

TEST_F(Kernels, ARaceIsFoundButTheLaunchSucceeds) {
  add_one<<<1, 32>>>(out<int>());
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_FALSE(found().empty());
}

TEST_F(Kernels, CapturedLaunchesKeepTheirArguments) {
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  for (int i = 0; i < 3; ++i) write_at<<<1, 1, 0, stream>>>(out<int>(), i);
  add_one<<<1, 1, 0, stream>>>(out<int>());
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  EXPECT_THAT(result<int>(3), ElementsAre(0, 0, 0));
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
  ASSERT_EQ(cudaGraphLaunch(exec, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_THAT(result<int>(3), ElementsAre(2, 1, 1));
}

TEST_F(Kernels, GraphNodesCanBeBuiltByHand) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  cudaGraphNode_t set = nullptr, add = nullptr;
  ASSERT_EQ(cudaGraphCreate(&graph, 0), cudaSuccess);
  cudaMemsetParams memset{out_, 0, 0, 1, 4, 1};
  ASSERT_EQ(cudaGraphAddMemsetNode(&set, graph, nullptr, 0, &memset), cudaSuccess);
  int* argument = out<int>();
  void* arguments[] = {&argument};
  cudaKernelNodeParams kernel{reinterpret_cast<void*>(add_one), 1, 1, 0, arguments, nullptr};
  ASSERT_EQ(cudaGraphAddKernelNode(&add, graph, &set, 1, &kernel), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
  ASSERT_EQ(cudaGraphLaunch(exec, nullptr), cudaSuccess);
  ASSERT_EQ(cudaGraphLaunch(exec, nullptr), cudaSuccess);
  EXPECT_THAT(result<int>(1), ElementsAre(1));
}

TEST_F(Kernels, CooperativeLaunchesAreRefused) {
  int* argument = out<int>();
  void* arguments[] = {&argument};
  EXPECT_EQ(cudaLaunchCooperativeKernel(add_one, 1, 1, arguments), cudaErrorNotSupported);
}

TEST_F(Kernels, LaunchAttributesAskForClusters) {
  cudaLaunchConfig_t config{};
  config.gridDim = 3;
  config.blockDim = 1;
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim = {2, 1, 1};
  config.attrs = &attribute;
  config.numAttrs = 1;
  const bool has_clusters = moe::simt::simulated_device().architecture.major >= 9;
  // 3 blocks are no whole number of clusters of 2; and an A100 has none at all.
  EXPECT_EQ(cudaLaunchKernelEx(&config, write_at, out<int>(), 0),
            has_clusters ? cudaErrorInvalidConfiguration : cudaErrorInvalidClusterSize);
  config.gridDim = 4;
  EXPECT_EQ(cudaLaunchKernelEx(&config, at_most_64, out<int>()),
            has_clusters ? cudaSuccess : cudaErrorInvalidClusterSize);
  found();  // the blocks write the same element
}

TEST_F(Kernels, CountersAreExact) {
  moe::simt::take_counters();
  at_most_64<<<2, 64>>>(out<int>());
  const auto counters = moe::simt::take_counters();
  found();
  ASSERT_EQ(counters.size(), 1u);
  EXPECT_EQ(counters[0].grid.x, 2u);
  EXPECT_EQ(counters[0].counters.blocks, 2u);
  EXPECT_EQ(counters[0].counters.global_store.bytes, 2u * 64 * 4);
}

}  // namespace
