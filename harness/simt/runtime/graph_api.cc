// Graphs built node by node, instantiated and launched.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "harness/simt/runtime/copy.h"
#include "harness/simt/runtime/graph_steps.h"
#include "harness/simt/runtime/launch.h"
#include "harness/simt/runtime/runtime.h"

namespace moe::simt {
namespace {

cudaGraph_t handle_of(Graph& graph) { return reinterpret_cast<cudaGraph_t>(&graph); }
cudaGraphExec_t handle_of(GraphExec& exec) { return reinterpret_cast<cudaGraphExec_t>(&exec); }
cudaGraphNode_t handle_of(GraphNode* node) { return reinterpret_cast<cudaGraphNode_t>(node); }

// Where a new node goes: the graph and what it comes after.
struct Position {
  cudaGraph_t graph;
  const cudaGraphNode_t* after;
  std::size_t count;
};

cudaError_t add_node(Runtime& runtime, cudaGraphNode_t* result, const Position& position,
                     cudaGraphNodeType type, std::string name, Work work) {
  Graph& graph = runtime.streams.graph(position.graph);
  std::vector<GraphNode*> after;
  for (std::size_t i = 0; i < position.count; ++i) {
    GraphNode& node = runtime.streams.node(position.after[i]);
    if (node.graph != &graph) return cudaErrorInvalidValue;
    after.push_back(&node);
  }
  GraphNode& made =
      runtime.streams.add_node(graph, type, std::move(name), std::move(work), std::move(after));
  if (result != nullptr) *result = handle_of(&made);
  return cudaSuccess;
}

// The usual way to return a list: null asks for the count.
cudaError_t give(std::span<GraphNode* const> nodes, cudaGraphNode_t* result, std::size_t* count) {
  if (count == nullptr) return cudaErrorInvalidValue;
  if (result != nullptr) {
    for (std::size_t i = 0; i < *count; ++i)
      result[i] = i < nodes.size() ? handle_of(nodes[i]) : nullptr;
  }
  *count = result != nullptr ? std::min(*count, nodes.size()) : nodes.size();
  return cudaSuccess;
}

cudaError_t instantiate(Runtime& runtime, cudaGraphExec_t* result, cudaGraph_t handle) {
  if (result == nullptr) return cudaErrorInvalidValue;
  std::vector<GraphExec::Step> steps = steps_of(runtime.streams.graph(handle));
  GraphExec& exec = runtime.streams.add_exec();
  exec.steps = std::move(steps);
  *result = handle_of(exec);
  return cudaSuccess;
}

}  // namespace
}  // namespace moe::simt

using namespace moe::simt;

extern "C" {

cudaError_t cudaGraphCreate(cudaGraph_t* graph, unsigned flags) {
  return runtime_call("cudaGraphCreate", [&](Runtime& runtime) {
    if (graph == nullptr || flags != 0) return cudaErrorInvalidValue;
    *graph = handle_of(runtime.streams.add_graph());
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return runtime_call("cudaGraphDestroy", [&](Runtime& runtime) {
    runtime.streams.graph(graph).destroyed = true;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t* node, cudaGraph_t graph,
                                   const cudaGraphNode_t* after, std::size_t count,
                                   const cudaKernelNodeParams* params) {
  return runtime_call("cudaGraphAddKernelNode", [&](Runtime& runtime) {
    if (params == nullptr || params->extra != nullptr) return cudaErrorInvalidValue;
    const LaunchRequest request{params->func,           params->gridDim, params->blockDim,
                                params->sharedMemBytes, nullptr,         {1, 1, 1}};
    PreparedLaunch prepared = prepare_launch(runtime, request, params->kernelParams);
    return add_node(runtime, node, {graph, after, count}, cudaGraphNodeTypeKernel,
                    std::move(prepared.name), std::move(prepared.work));
  });
}

cudaError_t cudaGraphAddMemcpyNode1D(cudaGraphNode_t* node, cudaGraph_t graph,
                                     const cudaGraphNode_t* after, std::size_t count, void* to,
                                     const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return runtime_call("cudaGraphAddMemcpyNode1D", [&](Runtime& runtime) {
    const Copy copy{to, from, bytes, bytes, bytes, 1, kind};
    check_copy(runtime, copy);
    return add_node(runtime, node, {graph, after, count}, cudaGraphNodeTypeMemcpy, "memcpy node",
                    [&runtime, copy] {
                      check_copy(runtime, copy);
                      do_copy(runtime, copy, "memcpy node");
                      return cudaSuccess;
                    });
  });
}

cudaError_t cudaGraphAddMemsetNode(cudaGraphNode_t* node, cudaGraph_t graph,
                                   const cudaGraphNode_t* after, std::size_t count,
                                   const cudaMemsetParams* params) {
  return runtime_call("cudaGraphAddMemsetNode", [&](Runtime& runtime) {
    if (params == nullptr) return cudaErrorInvalidValue;
    if (params->elementSize != 1)
      throw refusal("memset nodes of elements wider than a byte are not simulated");
    const Fill fill{params->dst, params->pitch, static_cast<int>(params->value), params->width,
                    params->height};
    return add_node(
        runtime, node, {graph, after, count}, cudaGraphNodeTypeMemset, "memset node",
        [&runtime, fill] { return fill_in_stream(runtime, fill, nullptr, "memset node"); });
  });
}

cudaError_t cudaGraphAddHostNode(cudaGraphNode_t* node, cudaGraph_t graph,
                                 const cudaGraphNode_t* after, std::size_t count,
                                 const cudaHostNodeParams* params) {
  return runtime_call("cudaGraphAddHostNode", [&](Runtime& runtime) {
    if (params == nullptr || params->fn == nullptr) return cudaErrorInvalidValue;
    return add_node(runtime, node, {graph, after, count}, cudaGraphNodeTypeHost, "host node",
                    [host = *params] {
                      host.fn(host.userData);
                      return cudaSuccess;
                    });
  });
}

cudaError_t cudaGraphAddEmptyNode(cudaGraphNode_t* node, cudaGraph_t graph,
                                  const cudaGraphNode_t* after, std::size_t count) {
  return runtime_call("cudaGraphAddEmptyNode", [&](Runtime& runtime) {
    return add_node(runtime, node, {graph, after, count}, cudaGraphNodeTypeEmpty, "empty node", {});
  });
}

cudaError_t cudaGraphAddDependencies(cudaGraph_t handle, const cudaGraphNode_t* from,
                                     const cudaGraphNode_t* to, const cudaGraphEdgeData*,
                                     std::size_t count) {
  return runtime_call("cudaGraphAddDependencies", [&](Runtime& runtime) {
    Graph& graph = runtime.streams.graph(handle);
    for (std::size_t i = 0; i < count; ++i) {
      GraphNode& before = runtime.streams.node(from[i]);
      GraphNode& later = runtime.streams.node(to[i]);
      if (before.graph != &graph || later.graph != &graph || &before == &later)
        return cudaErrorInvalidValue;
      later.after.push_back(&before);
    }
    return cudaSuccess;
  });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t handle, cudaGraphNode_t* result, std::size_t* count) {
  return runtime_call("cudaGraphGetNodes", [&](Runtime& runtime) {
    std::vector<GraphNode*> nodes;
    for (const auto& node : runtime.streams.graph(handle).nodes) nodes.push_back(node.get());
    return give(nodes, result, count);
  });
}

cudaError_t cudaGraphGetRootNodes(cudaGraph_t handle, cudaGraphNode_t* result, std::size_t* count) {
  return runtime_call("cudaGraphGetRootNodes", [&](Runtime& runtime) {
    std::vector<GraphNode*> nodes;
    for (const auto& node : runtime.streams.graph(handle).nodes) {
      if (node->after.empty()) nodes.push_back(node.get());
    }
    return give(nodes, result, count);
  });
}

cudaError_t cudaGraphNodeGetDependencies(cudaGraphNode_t node, cudaGraphNode_t* result,
                                         cudaGraphEdgeData*, std::size_t* count) {
  return runtime_call("cudaGraphNodeGetDependencies", [&](Runtime& runtime) {
    return give(runtime.streams.node(node).after, result, count);
  });
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, cudaGraphNodeType* type) {
  return runtime_call("cudaGraphNodeGetType", [&](Runtime& runtime) {
    if (type == nullptr) return cudaErrorInvalidValue;
    *type = runtime.streams.node(node).type;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  return runtime_call("cudaGraphInstantiate",
                      [&](Runtime& runtime) { return instantiate(runtime, exec, graph); });
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* exec, cudaGraph_t graph,
                                          unsigned long long flags) {
  return cudaGraphInstantiate(exec, graph, flags);
}

cudaError_t cudaGraphInstantiateWithParams(cudaGraphExec_t* exec, cudaGraph_t graph,
                                           cudaGraphInstantiateParams* params) {
  if (params == nullptr) return cudaErrorInvalidValue;
  const cudaError_t status = cudaGraphInstantiate(exec, graph, params->flags);
  params->errNode_out = nullptr;
  params->result_out =
      status == cudaSuccess ? cudaGraphInstantiateSuccess : cudaGraphInstantiateError;
  return status;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t stream) {
  return runtime_call("cudaGraphUpload", [&](Runtime& runtime) {
    runtime.streams.exec(exec);
    runtime.streams.stream(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t handle, cudaStream_t stream) {
  return runtime_call("cudaGraphLaunch", [&](Runtime& runtime) {
    // A graph launched in a capturing stream becomes a child of that graph: its steps are kept.
    const auto steps =
        std::make_shared<std::vector<GraphExec::Step>>(runtime.streams.exec(handle).steps);
    return runtime.streams.submit(stream, cudaGraphNodeTypeGraph, "graph",
                                  [steps] { return run_steps(*steps); });
  });
}

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t handle, cudaGraph_t graph,
                                cudaGraphExecUpdateResultInfo* info) {
  return runtime_call("cudaGraphExecUpdate", [&](Runtime& runtime) {
    GraphExec& exec = runtime.streams.exec(handle);
    std::vector<GraphExec::Step> next = steps_of(runtime.streams.graph(graph));
    const cudaGraphExecUpdateResult result = can_update(exec.steps, next);
    if (info != nullptr) *info = {result, nullptr, nullptr};
    if (result != cudaGraphExecUpdateSuccess) return cudaErrorGraphExecUpdateFailure;
    exec.steps = std::move(next);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  return runtime_call("cudaGraphExecDestroy", [&](Runtime& runtime) {
    runtime.streams.exec(exec).destroyed = true;
    return cudaSuccess;
  });
}

}  // extern "C"
