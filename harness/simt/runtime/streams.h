// Streams, events and graphs. Work is run at once, in the order it is issued, which every real
// device may do too; what is checked is that the program did not rely on handles that are gone or
// never recorded.
#pragma once
#include <driver_types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace moe::simt {

struct Capture;
struct Graph;

// One piece of work. `run` may be called many times.
using Work = std::function<cudaError_t()>;

struct GraphNode {
  cudaGraphNodeType type = cudaGraphNodeTypeEmpty;
  std::string name;  // of the call or kernel, for messages
  Work run;          // empty for empty nodes
  std::vector<GraphNode*> after;
  Graph* graph = nullptr;
};

// Nodes in the order they were added, which is an order they may run in: a node depends on earlier
// ones.
struct Graph {
  std::vector<std::unique_ptr<GraphNode>> nodes;
  bool destroyed = false;
};

struct GraphExec {
  struct Step {
    cudaGraphNodeType type = cudaGraphNodeTypeEmpty;
    std::string name;
    Work run;
    std::vector<std::size_t> after;     // indices of earlier steps
    const GraphNode* origin = nullptr;  // compared only: the node may be gone
  };
  std::vector<Step> steps;
  bool destroyed = false;
};

struct Stream {
  std::uint64_t id = 0;
  unsigned flags = cudaStreamDefault;
  int priority = 0;
  std::map<cudaLaunchAttributeID, cudaLaunchAttributeValue> attributes;
  bool destroyed = false;
  Capture* capture = nullptr;
  std::vector<GraphNode*> last;  // while capturing: what the next node comes after
};

struct Event {
  unsigned flags = cudaEventDefault;
  bool recorded = false;
  bool destroyed = false;
  Capture* capture = nullptr;    // recorded in a stream that was capturing
  std::vector<GraphNode*> last;  // and after these nodes
};

// A capture in progress.
struct Capture {
  std::uint64_t id = 0;
  Stream* origin = nullptr;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  std::set<Stream*> streams;
  Graph* graph = nullptr;
  bool invalidated = false;
};

class Streams {
 public:
  Streams();

  // The handles' objects. Destroyed ones are kept, so that their use is told apart from garbage.
  // Throw ApiError (cudaErrorInvalidResourceHandle, with a finding where the object was destroyed).
  Stream& stream(cudaStream_t handle);
  Event& event(cudaEvent_t handle);
  Graph& graph(cudaGraph_t handle);
  GraphNode& node(cudaGraphNode_t handle);
  GraphExec& exec(cudaGraphExec_t handle);

  Stream& add_stream(unsigned flags, int priority);
  Event& add_event(unsigned flags);
  Graph& add_graph();
  GraphExec& add_exec();
  GraphNode& add_node(Graph& graph, cudaGraphNodeType type, std::string name, Work work,
                      std::vector<GraphNode*> after);

  // Runs the work now, or notes it if the stream is capturing.
  cudaError_t submit(cudaStream_t stream, cudaGraphNodeType type, std::string name, Work work);

  void begin_capture(Stream& stream, cudaStreamCaptureMode mode, Graph& graph,
                     std::vector<GraphNode*> after = {});
  Graph* end_capture(Stream& stream);
  // Makes the stream wait for the event: in a capture, the stream joins it.
  void wait(Stream& stream, Event& event);
  void record(Stream& stream, Event& event);

  // A call that waits for the device or is otherwise unsafe while a capture goes on: throws
  // cudaErrorStreamCaptureUnsupported and spoils the capture. `what` names the call.
  void forbid_while_capturing(const char* what);
  // The same for work in the legacy stream, which waits for all blocking streams.
  void forbid_legacy_while_capturing();
  // The same for one stream.
  void forbid_captured(Stream& stream);
  static cudaError_t exchange_mode(cudaStreamCaptureMode* mode);

  void reset();  // cudaDeviceReset

 private:
  template <class T>
  using Table = std::map<const void*, std::unique_ptr<T>>;
  Stream legacy_, per_thread_;
  Table<Stream> streams_;
  Table<Event> events_;
  Table<Graph> graphs_;
  Table<GraphExec> execs_;
  std::vector<std::unique_ptr<Capture>> captures_;  // finished ones too: events point at them
  std::set<Capture*> active_;
  std::uint64_t next_id_ = 1;
};

}  // namespace moe::simt
