// Stream capture.
#include <cuda_runtime_api.h>

#include <vector>

#include "harness/simt/runtime/runtime.h"

using namespace moe::simt;

namespace {

cudaStreamCaptureStatus status_of(const Stream& stream) {
  if (stream.capture == nullptr) return cudaStreamCaptureStatusNone;
  return stream.capture->invalidated ? cudaStreamCaptureStatusInvalidated
                                     : cudaStreamCaptureStatusActive;
}

bool is_mode(cudaStreamCaptureMode mode) {
  return mode == cudaStreamCaptureModeGlobal || mode == cudaStreamCaptureModeThreadLocal ||
         mode == cudaStreamCaptureModeRelaxed;
}

}  // namespace

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  return runtime_call("cudaStreamBeginCapture", [&](Runtime& runtime) {
    if (!is_mode(mode)) return cudaErrorInvalidValue;
    runtime.streams.begin_capture(runtime.streams.stream(handle), mode,
                                  runtime.streams.add_graph());
    return cudaSuccess;
  });
}

cudaError_t cudaStreamBeginCaptureToGraph(cudaStream_t handle, cudaGraph_t graph,
                                          const cudaGraphNode_t* after, const cudaGraphEdgeData*,
                                          std::size_t count, cudaStreamCaptureMode mode) {
  return runtime_call("cudaStreamBeginCaptureToGraph", [&](Runtime& runtime) {
    if (!is_mode(mode)) return cudaErrorInvalidValue;
    std::vector<GraphNode*> nodes;
    for (std::size_t i = 0; i < count; ++i) nodes.push_back(&runtime.streams.node(after[i]));
    runtime.streams.begin_capture(runtime.streams.stream(handle), mode,
                                  runtime.streams.graph(graph), std::move(nodes));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  return runtime_call("cudaStreamEndCapture", [&](Runtime& runtime) {
    if (graph == nullptr) return cudaErrorInvalidValue;
    *graph = nullptr;
    *graph =
        reinterpret_cast<cudaGraph_t>(runtime.streams.end_capture(runtime.streams.stream(handle)));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  return runtime_call("cudaStreamIsCapturing", [&](Runtime& runtime) {
    if (status == nullptr) return cudaErrorInvalidValue;
    const Stream& stream = runtime.streams.stream(handle);
    *status = status_of(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t handle, cudaStreamCaptureStatus* status,
                                     unsigned long long* id, cudaGraph_t* graph,
                                     const cudaGraphNode_t** dependencies,
                                     const cudaGraphEdgeData** edges, std::size_t* count) {
  return runtime_call("cudaStreamGetCaptureInfo", [&](Runtime& runtime) {
    if (status == nullptr) return cudaErrorInvalidValue;
    const Stream& stream = runtime.streams.stream(handle);
    *status = status_of(stream);
    if (*status != cudaStreamCaptureStatusActive) return cudaSuccess;
    if (id != nullptr) *id = stream.capture->id;
    if (graph != nullptr) *graph = reinterpret_cast<cudaGraph_t>(stream.capture->graph);
    // A node's handle is its address.
    if (dependencies != nullptr) {
      *dependencies = reinterpret_cast<const cudaGraphNode_t*>(stream.last.data());
    }
    if (edges != nullptr) *edges = nullptr;
    if (count != nullptr) *count = stream.last.size();
    return cudaSuccess;
  });
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  return runtime_call("cudaThreadExchangeStreamCaptureMode", [&](Runtime&) {
    if (mode == nullptr || !is_mode(*mode)) return cudaErrorInvalidValue;
    return Streams::exchange_mode(mode);
  });
}

}  // extern "C"
