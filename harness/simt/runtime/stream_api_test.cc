// Streams, events, capture and graphs with host functions as their work.
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

std::vector<int> log_of_work;

void note(void* number) {
  log_of_work.push_back(static_cast<int>(reinterpret_cast<std::intptr_t>(number)));
}

cudaError_t issue(cudaStream_t stream, std::intptr_t number) {
  return cudaLaunchHostFunc(stream, note, reinterpret_cast<void*>(number));
}

class RuntimeStreams : public testing::Test {
 protected:
  void SetUp() override {
    log_of_work.clear();
    ASSERT_EQ(cudaStreamCreate(&stream_), cudaSuccess);
    ASSERT_EQ(cudaStreamCreateWithFlags(&other_, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), cudaSuccess);
    ASSERT_EQ(cudaEventCreateWithFlags(&joined_, cudaEventDisableTiming), cudaSuccess);
  }
  void TearDown() override {
    EXPECT_THAT(found(), IsEmpty());
    EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
  }
  cudaStream_t stream_ = nullptr, other_ = nullptr;
  cudaEvent_t event_ = nullptr, joined_ = nullptr;
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t exec_ = nullptr;
};

TEST_F(RuntimeStreams, WorkRunsInTheOrderItIsIssued) {
  EXPECT_EQ(issue(stream_, 1), cudaSuccess);
  EXPECT_EQ(issue(other_, 2), cudaSuccess);
  EXPECT_EQ(issue(nullptr, 3), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_THAT(log_of_work, ElementsAre(1, 2, 3));
}

TEST_F(RuntimeStreams, ADestroyedStreamIsFound) {
  EXPECT_EQ(cudaStreamDestroy(stream_), cudaSuccess);
  EXPECT_EQ(issue(stream_, 1), cudaErrorInvalidResourceHandle);
  EXPECT_THAT(found(), ElementsAre(Check::kBadArgument));
}

TEST_F(RuntimeStreams, ADestroyedEventIsFound) {
  EXPECT_EQ(cudaEventDestroy(event_), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(event_, stream_), cudaErrorInvalidResourceHandle);
  EXPECT_THAT(found(), ElementsAre(Check::kBadArgument));
}

TEST_F(RuntimeStreams, WaitingForAnEventThatWasNeverRecordedIsFound) {
  EXPECT_EQ(cudaStreamWaitEvent(stream_, event_, 0),
            cudaSuccess);  // as on a device: it waits for nothing
  EXPECT_THAT(found(), ElementsAre(Check::kBadArgument));
  EXPECT_EQ(cudaEventRecord(event_, other_), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(stream_, event_, 0), cudaSuccess);
}

TEST_F(RuntimeStreams, EventsHaveNoTime) {
  float milliseconds = 0;
  EXPECT_EQ(cudaEventRecord(event_, stream_), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, event_, event_), cudaErrorNotSupported);
}

TEST_F(RuntimeStreams, CapturedWorkRunsWhenItsGraphIsLaunched) {
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(issue(stream_, 1), cudaSuccess);
  EXPECT_EQ(issue(stream_, 2), cudaSuccess);
  ASSERT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaSuccess);
  EXPECT_THAT(log_of_work, IsEmpty());
  ASSERT_EQ(cudaGraphInstantiate(&exec_, graph_, 0), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(exec_, stream_), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(exec_, stream_), cudaSuccess);
  EXPECT_THAT(log_of_work, ElementsAre(1, 2, 1, 2));
}

TEST_F(RuntimeStreams, AnEventBringsAnotherStreamIntoTheCapture) {
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(issue(stream_, 1), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(event_, stream_), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(other_, event_, 0), cudaSuccess);
  EXPECT_EQ(issue(other_, 2), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(joined_, other_), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(stream_, joined_, 0), cudaSuccess);
  ASSERT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaSuccess);
  std::size_t nodes = 0, roots = 0;
  EXPECT_EQ(cudaGraphGetNodes(graph_, nullptr, &nodes), cudaSuccess);
  EXPECT_EQ(cudaGraphGetRootNodes(graph_, nullptr, &roots), cudaSuccess);
  EXPECT_EQ(nodes, 2u);
  EXPECT_EQ(roots, 1u);
  EXPECT_EQ(issue(other_, 3), cudaSuccess);  // no longer captured
  EXPECT_THAT(log_of_work, ElementsAre(3));
}

TEST_F(RuntimeStreams, AStreamThatDoesNotJoinAgainIsFound) {
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(issue(stream_, 1), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(event_, stream_), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(other_, event_, 0), cudaSuccess);
  EXPECT_EQ(issue(other_, 2), cudaSuccess);
  EXPECT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaErrorStreamCaptureUnjoined);
  EXPECT_EQ(graph_, nullptr);
  EXPECT_THAT(found(), ElementsAre(Check::kBadArgument));
}

TEST_F(RuntimeStreams, ACallThatWaitsSpoilsTheCapture) {
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(issue(stream_, 1), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaErrorStreamCaptureInvalidated);
}

TEST_F(RuntimeStreams, AllocationSpoilsAGlobalCaptureButNotARelaxedOne) {
  void* memory = nullptr;
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&memory, 8), cudaSuccess);
  ASSERT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaSuccess);
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&memory, 8), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaErrorStreamCaptureInvalidated);
}

TEST_F(RuntimeStreams, TheLegacyStreamMayNotBeUsedBesideACapturedBlockingStream) {
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(issue(nullptr, 1), cudaErrorStreamCaptureImplicit);
  EXPECT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaErrorStreamCaptureInvalidated);
  ASSERT_EQ(cudaStreamBeginCapture(other_, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(issue(nullptr, 1), cudaSuccess);  // other_ does not block
  ASSERT_EQ(cudaStreamEndCapture(other_, &graph_), cudaSuccess);
}

TEST_F(RuntimeStreams, TheLegacyStreamCannotBeCaptured) {
  EXPECT_EQ(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal),
            cudaErrorStreamCaptureUnsupported);
}

TEST_F(RuntimeStreams, ANodeAddedLaterMayComeFirst) {
  ASSERT_EQ(cudaGraphCreate(&graph_, 0), cudaSuccess);
  cudaGraphNode_t second = nullptr, first = nullptr;
  cudaHostNodeParams params{note, reinterpret_cast<void*>(2)};
  ASSERT_EQ(cudaGraphAddHostNode(&second, graph_, nullptr, 0, &params), cudaSuccess);
  params.userData = reinterpret_cast<void*>(1);
  ASSERT_EQ(cudaGraphAddHostNode(&first, graph_, nullptr, 0, &params), cudaSuccess);
  ASSERT_EQ(cudaGraphAddDependencies(graph_, &first, &second, nullptr, 1), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&exec_, graph_, 0), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(exec_, stream_), cudaSuccess);
  EXPECT_THAT(log_of_work, ElementsAre(1, 2));
  ASSERT_EQ(cudaGraphAddDependencies(graph_, &second, &first, nullptr, 1), cudaSuccess);
  EXPECT_EQ(cudaGraphInstantiate(&exec_, graph_, 0), cudaErrorInvalidValue);  // a cycle
}

TEST_F(RuntimeStreams, AGraphOfTheSameShapeReplacesTheWork) {
  const auto capture = [&](int number, int count) {
    EXPECT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaSuccess);
    for (int i = 0; i < count; ++i) EXPECT_EQ(issue(stream_, number), cudaSuccess);
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaSuccess);
    return graph;
  };
  ASSERT_EQ(cudaGraphInstantiate(&exec_, capture(1, 1), 0), cudaSuccess);
  cudaGraphExecUpdateResultInfo info;
  EXPECT_EQ(cudaGraphExecUpdate(exec_, capture(2, 1), &info), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(exec_, stream_), cudaSuccess);
  EXPECT_THAT(log_of_work, ElementsAre(2));
  EXPECT_EQ(cudaGraphExecUpdate(exec_, capture(3, 2), &info), cudaErrorGraphExecUpdateFailure);
  EXPECT_EQ(info.result, cudaGraphExecUpdateErrorTopologyChanged);
}

}  // namespace
}  // namespace moe::simt
