// Executable graphs: a graph's nodes as a list of steps.
#pragma once
#include <vector>

#include "harness/simt/runtime/streams.h"

namespace moe::simt {

// In an order that every dependency allows.
std::vector<GraphExec::Step> steps_of(const Graph& graph);

// Why `next` cannot take the place of `steps` (cudaGraphExecUpdate), or success.
cudaGraphExecUpdateResult can_update(const std::vector<GraphExec::Step>& steps,
                                     const std::vector<GraphExec::Step>& next);

// Runs all steps; stops at the first that fails.
cudaError_t run_steps(const std::vector<GraphExec::Step>& steps);

}  // namespace moe::simt
