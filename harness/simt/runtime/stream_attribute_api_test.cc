// Attributes of streams, memory pools, and graphs that are changed after they were made.
#include <cuda_runtime_api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "harness/simt/runtime/control.h"

namespace moe::simt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Check> found() {
  std::vector<Check> checks;
  for (const Finding& finding : take_findings()) checks.push_back(finding.check);
  return checks;
}

std::vector<int> work_log;

void note(void* number) {
  work_log.push_back(static_cast<int>(reinterpret_cast<std::intptr_t>(number)));
}

class RuntimeAttributes : public testing::Test {
 protected:
  void SetUp() override {
    work_log.clear();
    ASSERT_EQ(cudaStreamCreate(&stream_), cudaSuccess);
    ASSERT_EQ(cudaMalloc(&memory_, 1024), cudaSuccess);
  }
  void TearDown() override {
    EXPECT_THAT(found(), IsEmpty());
    EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
  }
  cudaGraph_t graph_of(std::initializer_list<int> numbers) {
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaSuccess);
    for (std::intptr_t number : numbers) {
      EXPECT_EQ(cudaLaunchHostFunc(stream_, note, reinterpret_cast<void*>(number)), cudaSuccess);
    }
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaSuccess);
    return graph;
  }
  void run(cudaGraph_t graph) {
    cudaGraphExec_t exec = nullptr;
    EXPECT_EQ(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
    EXPECT_EQ(cudaGraphLaunch(exec, stream_), cudaSuccess);
  }
  cudaLaunchAttributeValue window(std::size_t bytes, float hit_ratio) {
    cudaLaunchAttributeValue value{};
    value.accessPolicyWindow = {memory_, bytes, hit_ratio, cudaAccessPropertyPersisting,
                                cudaAccessPropertyStreaming};
    return value;
  }
  cudaStream_t stream_ = nullptr;
  void* memory_ = nullptr;
};

TEST_F(RuntimeAttributes, AreGivenBackAndCopied) {
  const cudaLaunchAttributeValue mine = window(512, 0.5f);
  ASSERT_EQ(cudaStreamSetAttribute(stream_, cudaLaunchAttributeAccessPolicyWindow, &mine),
            cudaSuccess);
  cudaStream_t other = nullptr;
  ASSERT_EQ(cudaStreamCreate(&other), cudaSuccess);
  ASSERT_EQ(cudaStreamCopyAttributes(other, stream_), cudaSuccess);
  cudaLaunchAttributeValue value{};
  ASSERT_EQ(cudaStreamGetAttribute(other, cudaLaunchAttributeAccessPolicyWindow, &value),
            cudaSuccess);
  EXPECT_EQ(value.accessPolicyWindow.num_bytes, 512u);
  EXPECT_EQ(cudaCtxResetPersistingL2Cache(), cudaSuccess);
}

TEST_F(RuntimeAttributes, AWindowOutsideItsAllocationIsFound) {
  const cudaLaunchAttributeValue beyond = window(1025, 0.5f);
  EXPECT_EQ(cudaStreamSetAttribute(stream_, cudaLaunchAttributeAccessPolicyWindow, &beyond),
            cudaErrorInvalidValue);
  EXPECT_THAT(found(), ElementsAre(Check::kOutOfBounds));
  const cudaLaunchAttributeValue often = window(16, 1.5f);
  EXPECT_EQ(cudaStreamSetAttribute(stream_, cudaLaunchAttributeAccessPolicyWindow, &often),
            cudaErrorInvalidValue);
  EXPECT_THAT(found(), ElementsAre(Check::kBadArgument));
}

TEST_F(RuntimeAttributes, OfLaunchesAreNotThoseOfStreams) {
  const cudaLaunchAttributeValue value{};
  EXPECT_EQ(cudaStreamSetAttribute(stream_, cudaLaunchAttributeClusterDimension, &value),
            cudaErrorInvalidValue);
}

TEST_F(RuntimeAttributes, APoolIsTheDevicesUntilItIsDestroyed) {
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location = {cudaMemLocationTypeDevice, 0};
  cudaMemPool_t pool = nullptr, current = nullptr, standard = nullptr;
  ASSERT_EQ(cudaMemPoolCreate(&pool, &properties), cudaSuccess);
  ASSERT_EQ(cudaDeviceSetMemPool(0, pool), cudaSuccess);
  ASSERT_EQ(cudaDeviceGetMemPool(&current, 0), cudaSuccess);
  EXPECT_EQ(current, pool);
  void* memory = nullptr;
  EXPECT_EQ(cudaMallocFromPoolAsync(&memory, 64, pool, stream_), cudaSuccess);
  EXPECT_EQ(cudaFreeAsync(memory, stream_), cudaSuccess);
  ASSERT_EQ(cudaMemPoolDestroy(pool), cudaSuccess);
  ASSERT_EQ(cudaDeviceGetMemPool(&current, 0), cudaSuccess);
  ASSERT_EQ(cudaDeviceGetDefaultMemPool(&standard, 0), cudaSuccess);
  EXPECT_EQ(current, standard);
  EXPECT_EQ(cudaMemPoolTrimTo(pool, 0), cudaErrorInvalidValue);
  EXPECT_THAT(found(), ElementsAre(Check::kBadArgument));
}

TEST_F(RuntimeAttributes, ACloneKeepsTheOrderOfItsOriginal) {
  cudaGraph_t clone = nullptr;
  const cudaGraph_t graph = graph_of({1, 2, 3});
  ASSERT_EQ(cudaGraphClone(&clone, graph), cudaSuccess);
  ASSERT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  run(clone);
  EXPECT_THAT(work_log, ElementsAre(1, 2, 3));
}

TEST_F(RuntimeAttributes, AChildGraphRunsInItsPlace) {
  cudaGraph_t parent = nullptr;
  cudaGraphNode_t first = nullptr, child = nullptr, last = nullptr;
  ASSERT_EQ(cudaGraphCreate(&parent, 0), cudaSuccess);
  cudaHostNodeParams params{note, reinterpret_cast<void*>(1)};
  ASSERT_EQ(cudaGraphAddHostNode(&first, parent, nullptr, 0, &params), cudaSuccess);
  ASSERT_EQ(cudaGraphAddChildGraphNode(&child, parent, &first, 1, graph_of({2, 3})), cudaSuccess);
  params.userData = reinterpret_cast<void*>(4);
  ASSERT_EQ(cudaGraphAddHostNode(&last, parent, &child, 1, &params), cudaSuccess);
  run(parent);
  EXPECT_THAT(work_log, ElementsAre(1, 2, 3, 4));
}

}  // namespace
}  // namespace moe::simt
