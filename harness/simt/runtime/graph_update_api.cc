// Changing graphs that are there already: the arguments of kernel nodes, copies of whole graphs.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <map>
#include <vector>

#include "harness/simt/runtime/graph_steps.h"
#include "harness/simt/runtime/launch.h"
#include "harness/simt/runtime/runtime.h"

using namespace moe::simt;

namespace {

PreparedLaunch prepare(Runtime& runtime, const GraphNode& node,
                       const cudaKernelNodeParams* params) {
  if (params == nullptr || params->extra != nullptr) {
    throw ApiError{cudaErrorInvalidValue, "no parameters", {}, false};
  }
  if (node.type != cudaGraphNodeTypeKernel) {
    throw mistake(Check::kBadArgument, cudaErrorInvalidValue, "the node is no kernel node");
  }
  const LaunchRequest request{params->func,           params->gridDim, params->blockDim,
                              params->sharedMemBytes, nullptr,         {1, 1, 1}};
  return prepare_launch(runtime, request, params->kernelParams);
}

}  // namespace

extern "C" {

cudaError_t cudaGraphKernelNodeSetParams(cudaGraphNode_t handle,
                                         const cudaKernelNodeParams* params) {
  return runtime_call("cudaGraphKernelNodeSetParams", [&](Runtime& runtime) {
    GraphNode& node = runtime.streams.node(handle);
    PreparedLaunch prepared = prepare(runtime, node, params);
    node.name = std::move(prepared.name);
    node.run = std::move(prepared.work);
    return cudaSuccess;
  });
}

// `handle` is the node of the graph that was instantiated.
cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t handle,
                                             const cudaKernelNodeParams* params) {
  return runtime_call("cudaGraphExecKernelNodeSetParams", [&](Runtime& runtime) {
    const GraphNode& node = runtime.streams.node(handle);
    std::vector<GraphExec::Step>& steps = runtime.streams.exec(exec).steps;
    const auto step = std::find_if(steps.begin(), steps.end(), [&](const GraphExec::Step& each) {
      return each.origin == &node;
    });
    if (step == steps.end()) {
      throw mistake(Check::kBadArgument, cudaErrorInvalidValue,
                    "the executable graph was not made from the node's graph");
    }
    PreparedLaunch prepared = prepare(runtime, node, params);
    step->name = std::move(prepared.name);
    step->run = std::move(prepared.work);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphClone(cudaGraph_t* result, cudaGraph_t original) {
  return runtime_call("cudaGraphClone", [&](Runtime& runtime) {
    if (result == nullptr) return cudaErrorInvalidValue;
    const Graph& graph = runtime.streams.graph(original);
    Graph& clone = runtime.streams.add_graph();
    std::map<const GraphNode*, GraphNode*> made;
    for (const auto& node : graph.nodes) {
      made[node.get()] = &runtime.streams.add_node(clone, node->type, node->name, node->run, {});
    }
    for (const auto& node : graph.nodes) {
      for (const GraphNode* before : node->after) {
        made[node.get()]->after.push_back(made[before]);
      }
    }
    *result = reinterpret_cast<cudaGraph_t>(&clone);
    return cudaSuccess;
  });
}

// The child's steps as they are now become one node.
cudaError_t cudaGraphAddChildGraphNode(cudaGraphNode_t* result, cudaGraph_t graph,
                                       const cudaGraphNode_t* after, std::size_t count,
                                       cudaGraph_t child) {
  return runtime_call("cudaGraphAddChildGraphNode", [&](Runtime& runtime) {
    Graph& parent = runtime.streams.graph(graph);
    std::vector<GraphNode*> before;
    for (std::size_t i = 0; i < count; ++i) {
      before.push_back(&runtime.streams.node(after[i]));
      if (before.back()->graph != &parent) return cudaErrorInvalidValue;
    }
    GraphNode& node = runtime.streams.add_node(
        parent, cudaGraphNodeTypeGraph, "child graph",
        [steps = steps_of(runtime.streams.graph(child))] { return run_steps(steps); }, before);
    if (result != nullptr) *result = reinterpret_cast<cudaGraphNode_t>(&node);
    return cudaSuccess;
  });
}

}  // extern "C"
