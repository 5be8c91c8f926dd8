// Handles, and work that runs at once or is captured.
#include "harness/simt/runtime/streams.h"

#include <driver_types.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "harness/simt/runtime/api_error.h"

namespace moe::simt {
namespace {

// What this host thread forbids while captures go on (cudaThreadExchangeStreamCaptureMode).
thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

template <class T>
T& find(std::map<const void*, std::unique_ptr<T>>& table, const void* handle, const char* kind) {
  const auto found = table.find(handle);
  if (found == table.end()) {
    throw mistake(Check::kBadArgument, cudaErrorInvalidResourceHandle,
                  fmt::format("{} is no {}", handle, kind));
  }
  if constexpr (requires { found->second->destroyed; }) {
    if (found->second->destroyed) {
      throw mistake(Check::kBadArgument, cudaErrorInvalidResourceHandle,
                    fmt::format("{} {} was destroyed", kind, handle));
    }
  }
  return *found->second;
}

template <class T>
T& add(std::map<const void*, std::unique_ptr<T>>& table) {
  auto object = std::make_unique<T>();
  T& made = *object;
  table[&made] = std::move(object);
  return made;
}

void add_all(std::vector<GraphNode*>& to, const std::vector<GraphNode*>& from) {
  for (GraphNode* node : from) {
    if (std::find(to.begin(), to.end(), node) == to.end()) to.push_back(node);
  }
}

ApiError capture_error(cudaError_t status, std::string reason) {
  return ApiError{status, std::move(reason), {}, false};
}

}  // namespace

Streams::Streams() {
  legacy_.id = next_id_++;
  per_thread_.id = next_id_++;
}

Stream& Streams::stream(cudaStream_t handle) {
  if (handle == nullptr || handle == cudaStreamLegacy) return legacy_;
  if (handle == cudaStreamPerThread) return per_thread_;
  return find(streams_, handle, "stream");
}

Event& Streams::event(cudaEvent_t handle) { return find(events_, handle, "event"); }
Graph& Streams::graph(cudaGraph_t handle) { return find(graphs_, handle, "graph"); }
GraphExec& Streams::exec(cudaGraphExec_t handle) {
  return find(execs_, handle, "executable graph");
}

GraphNode& Streams::node(cudaGraphNode_t handle) {
  for (const auto& [key, graph] : graphs_) {
    for (const auto& node : graph->nodes) {
      if (reinterpret_cast<cudaGraphNode_t>(node.get()) == handle && !graph->destroyed)
        return *node;
    }
  }
  throw mistake(Check::kBadArgument, cudaErrorInvalidValue, "no node of a live graph");
}

Stream& Streams::add_stream(unsigned flags, int priority) {
  Stream& stream = add(streams_);
  stream.id = next_id_++;
  stream.flags = flags;
  stream.priority = priority;
  return stream;
}

Event& Streams::add_event(unsigned flags) {
  Event& event = add(events_);
  event.flags = flags;
  return event;
}

Graph& Streams::add_graph() { return add(graphs_); }

GraphExec& Streams::add_exec() { return add(execs_); }

GraphNode& Streams::add_node(Graph& graph, cudaGraphNodeType type, std::string name, Work work,
                             std::vector<GraphNode*> after) {
  auto& node = graph.nodes.emplace_back(std::make_unique<GraphNode>());
  *node = {type, std::move(name), std::move(work), std::move(after), &graph};
  return *node;
}

cudaError_t Streams::submit(cudaStream_t handle, cudaGraphNodeType type, std::string name,
                            Work work) {
  Stream& target = stream(handle);
  if (&target == &legacy_) forbid_legacy_while_capturing();
  if (target.capture == nullptr) return work();
  Capture& capture = *target.capture;
  if (capture.invalidated)
    throw capture_error(cudaErrorStreamCaptureInvalidated, "the capture is spoilt");
  GraphNode& node = add_node(*capture.graph, type, std::move(name), std::move(work), target.last);
  target.last = {&node};
  return cudaSuccess;
}

void Streams::begin_capture(Stream& stream, cudaStreamCaptureMode mode, Graph& graph,
                            std::vector<GraphNode*> after) {
  if (&stream == &legacy_)
    throw capture_error(cudaErrorStreamCaptureUnsupported, "the legacy stream");
  if (stream.capture != nullptr)
    throw capture_error(cudaErrorIllegalState, "it is being captured already");
  auto& capture = captures_.emplace_back(std::make_unique<Capture>());
  *capture = {next_id_++, &stream, mode, std::this_thread::get_id(), {&stream}, &graph, false};
  active_.insert(capture.get());
  stream.capture = capture.get();
  stream.last = std::move(after);
}

Graph* Streams::end_capture(Stream& stream) {
  Capture* capture = stream.capture;
  if (capture == nullptr)
    throw capture_error(cudaErrorIllegalState, "the stream is not being captured");
  if (capture->origin != &stream) {
    throw capture_error(cudaErrorStreamCaptureUnmatched, "the capture began in another stream");
  }
  if (capture->mode != cudaStreamCaptureModeRelaxed &&
      capture->thread != std::this_thread::get_id()) {
    throw capture_error(cudaErrorStreamCaptureWrongThread, "the capture began in another thread");
  }
  // Every node of the streams that joined must lead to the origin's last one.
  std::set<GraphNode*> reached;
  std::vector<GraphNode*> open = stream.last;
  while (!open.empty()) {
    GraphNode* node = open.back();
    open.pop_back();
    if (reached.insert(node).second)
      open.insert(open.end(), node->after.begin(), node->after.end());
  }
  bool joined = true;
  for (Stream* each : capture->streams) {
    for (GraphNode* node : each->last) joined = joined && reached.contains(node);
    each->capture = nullptr;
    each->last.clear();
  }
  active_.erase(capture);
  if (capture->invalidated)
    throw capture_error(cudaErrorStreamCaptureInvalidated, "the capture is spoilt");
  if (!joined) {
    throw mistake(Check::kBadArgument, cudaErrorStreamCaptureUnjoined,
                  "a stream that joined the capture was not waited for");
  }
  return capture->graph;
}

void Streams::record(Stream& stream, Event& event) {
  if (&stream == &legacy_) forbid_legacy_while_capturing();
  event.recorded = true;
  event.capture = stream.capture;
  event.last = stream.last;
}

void Streams::wait(Stream& stream, Event& event) {
  if (&stream == &legacy_) forbid_legacy_while_capturing();
  if (!event.recorded) {
    throw mistake(Check::kBadArgument, cudaSuccess,
                  "the event was never recorded: this waits for nothing");
  }
  if (event.capture == nullptr) {
    if (stream.capture == nullptr) return;
    stream.capture->invalidated = true;
    throw capture_error(cudaErrorStreamCaptureIsolation,
                        "the event was recorded outside the capture");
  }
  if (!active_.contains(event.capture)) {
    throw capture_error(cudaErrorCapturedEvent,
                        "the event was recorded in a capture that has ended");
  }
  if (stream.capture == nullptr) {
    if (&stream == &legacy_)
      throw capture_error(cudaErrorStreamCaptureImplicit, "the legacy stream");
    stream.capture = event.capture;
    stream.last.clear();
    event.capture->streams.insert(&stream);
  }
  if (stream.capture != event.capture) {
    stream.capture->invalidated = event.capture->invalidated = true;
    throw capture_error(cudaErrorStreamCaptureMerge, "two captures would become one");
  }
  add_all(stream.last, event.last);
}

void Streams::forbid_while_capturing(const char* what) {
  if (thread_mode == cudaStreamCaptureModeRelaxed) return;
  for (Capture* capture : active_) {
    const bool own = capture->thread == std::this_thread::get_id();
    const bool matters = (capture->mode == cudaStreamCaptureModeGlobal &&
                          (own || thread_mode == cudaStreamCaptureModeGlobal)) ||
                         (capture->mode == cudaStreamCaptureModeThreadLocal && own);
    if (!matters) continue;
    capture->invalidated = true;
    throw capture_error(cudaErrorStreamCaptureUnsupported, fmt::format("{} while capturing", what));
  }
}

void Streams::forbid_legacy_while_capturing() {
  for (Capture* capture : active_) {
    const bool blocking =
        std::any_of(capture->streams.begin(), capture->streams.end(),
                    [](Stream* each) { return (each->flags & cudaStreamNonBlocking) == 0; });
    if (!blocking) continue;
    capture->invalidated = true;
    throw capture_error(cudaErrorStreamCaptureImplicit,
                        "the legacy stream waits for a captured stream");
  }
}

void Streams::forbid_captured(Stream& stream) {
  if (&stream == &legacy_) forbid_legacy_while_capturing();
  if (stream.capture == nullptr) return;
  stream.capture->invalidated = true;
  throw capture_error(cudaErrorStreamCaptureUnsupported, "the stream is being captured");
}

cudaError_t Streams::exchange_mode(cudaStreamCaptureMode* mode) {
  std::swap(thread_mode, *mode);
  return cudaSuccess;
}

void Streams::reset() {
  const auto destroy = [](auto& table) {
    for (auto& [key, object] : table) object->destroyed = true;
  };
  destroy(streams_);
  destroy(events_);
  destroy(graphs_);
  destroy(execs_);
  active_.clear();
  legacy_.capture = per_thread_.capture = nullptr;
}

}  // namespace moe::simt
