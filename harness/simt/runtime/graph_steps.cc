// Orders and compares the steps of graphs.
#include "harness/simt/runtime/graph_steps.h"

#include <map>

#include "harness/simt/runtime/api_error.h"

namespace moe::simt {
namespace {

// Depth first, so that cudaGraphAddDependencies may point at nodes that were added later.
struct Sorter {
  std::vector<GraphExec::Step> steps;
  std::map<const GraphNode*, std::size_t> placed;
  std::map<const GraphNode*, bool> open;

  std::size_t place(const GraphNode& node) {
    if (const auto found = placed.find(&node); found != placed.end()) return found->second;
    if (open[&node]) throw ApiError{cudaErrorInvalidValue, "the graph has a cycle", {}, false};
    open[&node] = true;
    GraphExec::Step step{node.type, node.name, node.run, {}, &node};
    for (const GraphNode* before : node.after) step.after.push_back(place(*before));
    steps.push_back(std::move(step));
    return placed[&node] = steps.size() - 1;
  }
};

}  // namespace

std::vector<GraphExec::Step> steps_of(const Graph& graph) {
  Sorter sorter;
  for (const auto& node : graph.nodes) sorter.place(*node);
  return std::move(sorter.steps);
}

cudaGraphExecUpdateResult can_update(const std::vector<GraphExec::Step>& steps,
                                     const std::vector<GraphExec::Step>& next) {
  if (steps.size() != next.size()) return cudaGraphExecUpdateErrorTopologyChanged;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].type != next[i].type) return cudaGraphExecUpdateErrorNodeTypeChanged;
    if (steps[i].after != next[i].after) return cudaGraphExecUpdateErrorTopologyChanged;
  }
  return cudaGraphExecUpdateSuccess;
}

cudaError_t run_steps(const std::vector<GraphExec::Step>& steps) {
  for (const GraphExec::Step& step : steps) {
    if (!step.run) continue;
    if (const cudaError_t status = step.run(); status != cudaSuccess) return status;
  }
  return cudaSuccess;
}

}  // namespace moe::simt
