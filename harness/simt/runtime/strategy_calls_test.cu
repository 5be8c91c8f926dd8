// The calls that a whole strategy makes, together in the way it makes them: streams that fork and
// join, stream-ordered memory, pitched copies, programmatic launches, a graph that is replayed with
// other arguments.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "harness/simt/runtime/control.h"

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kCount = 256;

__global__ void scale(const float* in, float* out, float factor) {
#if __CUDA_ARCH__ >= 900
  cudaGridDependencySynchronize();
#endif
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = factor * in[i];
#if __CUDA_ARCH__ >= 900
  cudaTriggerProgrammaticLaunchCompletion();
#endif
}

__global__ void sum_both(const float* a, const float* b, float* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = a[i] + b[i];
}

void count_call(void* counter) { ++*static_cast<int*>(counter); }

class StrategyCalls : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cudaStreamCreateWithFlags(&main_, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(cudaStreamCreateWithFlags(&side_, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(cudaEventCreateWithFlags(&fork_, cudaEventDisableTiming), cudaSuccess);
    ASSERT_EQ(cudaEventCreateWithFlags(&join_, cudaEventDisableTiming), cudaSuccess);
    ASSERT_EQ(cudaHostAlloc(&host_, kCount * sizeof(float), cudaHostAllocDefault), cudaSuccess);
    for (float** each : {&x_, &a_, &b_, &y_}) {
      ASSERT_EQ(cudaMallocAsync(each, kCount * sizeof(float), main_), cudaSuccess);
    }
    std::iota(host_, host_ + kCount, 0.0f);
  }
  void TearDown() override {
    for (float* each : {x_, a_, b_, y_}) EXPECT_EQ(cudaFreeAsync(each, main_), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(main_), cudaSuccess);
    EXPECT_EQ(cudaFreeHost(host_), cudaSuccess);
    EXPECT_THAT(moe::simt::take_findings(), IsEmpty());
    EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
  }
  // y = 2 x + 3 x, the two products in streams of their own.
  void issue() {
    const std::size_t bytes = kCount * sizeof(float);
    EXPECT_EQ(cudaMemcpyAsync(x_, host_, bytes, cudaMemcpyHostToDevice, main_), cudaSuccess);
    EXPECT_EQ(cudaMemsetAsync(y_, 0xff, bytes, main_), cudaSuccess);
    EXPECT_EQ(cudaEventRecord(fork_, main_), cudaSuccess);
    EXPECT_EQ(cudaStreamWaitEvent(side_, fork_), cudaSuccess);
    scale<<<kCount / 64, 64, 0, main_>>>(x_, a_, 2.0f);
    scale<<<kCount / 64, 64, 0, side_>>>(x_, b_, 3.0f);
    EXPECT_EQ(cudaEventRecord(join_, side_), cudaSuccess);
    EXPECT_EQ(cudaStreamWaitEvent(main_, join_), cudaSuccess);
    sum_both<<<kCount / 64, 64, 0, main_>>>(a_, b_, y_);
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
    EXPECT_EQ(cudaLaunchHostFunc(main_, count_call, &calls_), cudaSuccess);
  }
  std::vector<float> first_of_y(int count) {
    std::vector<float> values(count);
    EXPECT_EQ(
        cudaMemcpyAsync(values.data(), y_, count * sizeof(float), cudaMemcpyDeviceToHost, main_),
        cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(main_), cudaSuccess);
    return values;
  }
  cudaStream_t main_ = nullptr, side_ = nullptr;
  cudaEvent_t fork_ = nullptr, join_ = nullptr;
  float* host_ = nullptr;
  float *x_ = nullptr, *a_ = nullptr, *b_ = nullptr, *y_ = nullptr;
  int calls_ = 0;
};

TEST_F(StrategyCalls, TwoStreamsForkAndJoin) {
  issue();
  EXPECT_THAT(first_of_y(4), ElementsAre(0, 5, 10, 15));
  EXPECT_EQ(calls_, 1);
}

TEST_F(StrategyCalls, ACapturedForkIsReplayedOnNewInputs) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  ASSERT_EQ(cudaStreamBeginCapture(main_, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  issue();
  ASSERT_EQ(cudaStreamEndCapture(main_, &graph), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
  EXPECT_EQ(calls_, 0);
  ASSERT_EQ(cudaGraphLaunch(exec, main_), cudaSuccess);
  EXPECT_THAT(first_of_y(3), ElementsAre(0, 5, 10));
  for (int i = 0; i < kCount; ++i) host_[i] += 1;  // the graph reads the host's memory anew
  ASSERT_EQ(cudaGraphLaunch(exec, main_), cudaSuccess);
  EXPECT_THAT(first_of_y(3), ElementsAre(5, 10, 15));
  EXPECT_EQ(calls_, 2);
}

TEST_F(StrategyCalls, AnExecutableGraphTakesOtherArguments) {
  ASSERT_EQ(cudaMemcpyAsync(x_, host_, kCount * sizeof(float), cudaMemcpyHostToDevice, main_),
            cudaSuccess);
  float factor = 2;
  void* arguments[] = {&x_, &y_, &factor};
  cudaKernelNodeParams params{
      reinterpret_cast<void*>(scale), kCount / 64, 64, 0, arguments, nullptr};
  cudaGraph_t graph = nullptr;
  cudaGraphNode_t node = nullptr;
  cudaGraphExec_t exec = nullptr, late = nullptr;
  ASSERT_EQ(cudaGraphCreate(&graph, 0), cudaSuccess);
  ASSERT_EQ(cudaGraphAddKernelNode(&node, graph, nullptr, 0, &params), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
  factor = 7;
  ASSERT_EQ(cudaGraphExecKernelNodeSetParams(exec, node, &params), cudaSuccess);
  ASSERT_EQ(cudaGraphLaunch(exec, main_), cudaSuccess);
  EXPECT_THAT(first_of_y(3), ElementsAre(0, 7, 14));
  factor = 9;
  ASSERT_EQ(cudaGraphKernelNodeSetParams(node, &params), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&late, graph, 0), cudaSuccess);
  ASSERT_EQ(cudaGraphLaunch(late, main_), cudaSuccess);
  EXPECT_THAT(first_of_y(3), ElementsAre(0, 9, 18));
}

TEST_F(StrategyCalls, ADependentLaunchWaitsForTheOneBefore) {
  ASSERT_EQ(cudaMemcpyAsync(x_, host_, kCount * sizeof(float), cudaMemcpyHostToDevice, main_),
            cudaSuccess);
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = kCount / 64;
  config.blockDim = 64;
  config.stream = main_;
  config.attrs = &attribute;
  config.numAttrs = 1;
  const float *x = x_, *a = a_;
  ASSERT_EQ(cudaLaunchKernelEx(&config, scale, x, a_, 2.0f), cudaSuccess);
  ASSERT_EQ(cudaLaunchKernelEx(&config, scale, a, y_, 5.0f), cudaSuccess);
  EXPECT_THAT(first_of_y(3), ElementsAre(0, 10, 20));
}

TEST_F(StrategyCalls, APaddedMatrixIsCopiedByRows) {
  std::size_t pitch = 0;
  float* padded = nullptr;
  ASSERT_EQ(cudaMallocPitch(&padded, &pitch, 10 * sizeof(float), 4), cudaSuccess);
  ASSERT_EQ(cudaMemcpy2DAsync(padded, pitch, host_, 10 * sizeof(float), 10 * sizeof(float), 4,
                              cudaMemcpyHostToDevice, main_),
            cudaSuccess);
  ASSERT_EQ(cudaMemcpy2DAsync(y_, sizeof(float), padded + 9, pitch, sizeof(float), 4,
                              cudaMemcpyDeviceToDevice, main_),
            cudaSuccess);
  EXPECT_THAT(first_of_y(4), ElementsAre(9, 19, 29, 39));
  EXPECT_EQ(cudaFree(padded), cudaSuccess);
}

TEST_F(StrategyCalls, TheDeviceTellsWhatAPersistentKernelNeedsToKnow) {
  int multiprocessors = 0, cache = 0, shared = 0, blocks = 0;
  EXPECT_EQ(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, 0),
            cudaSuccess);
  EXPECT_EQ(cudaDeviceGetAttribute(&cache, cudaDevAttrL2CacheSize, 0), cudaSuccess);
  EXPECT_EQ(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0),
            cudaSuccess);
  EXPECT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, sum_both, 64, 0), cudaSuccess);
  EXPECT_GE(multiprocessors, 108);
  EXPECT_GE(cache, 40 << 20);
  EXPECT_GE(shared, 163 << 10);
  EXPECT_GT(blocks, 0);
}

}  // namespace
