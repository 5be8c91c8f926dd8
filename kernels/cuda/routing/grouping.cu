#include <vector>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/routing/grouping_kernels.h"

namespace moe::cuda {
namespace {

// Up to here a second launch would cost more than what it saves: no block walks more than 32 steps.
constexpr std::int64_t kMostInOneLaunch = 32768;

void group(const GroupingProblem& problem, GroupingMethod method,
           const Buffer<std::uint8_t>& workspace, cudaStream_t stream) {
  const bool small = problem.assignments <= kMostInOneLaunch;
  const int runs = small ? 1 : runs_of(problem.assignments);
  auto* const table = reinterpret_cast<std::int32_t*>(workspace.data());
  switch (method) {
    case GroupingMethod::kCountingSort:
      if (small) return sort_by_experts(problem, stream);
      return sort_by_runs(problem, runs, true, table, stream);
    case GroupingMethod::kAtomic:
      return sort_by_runs(problem, runs, false, table, stream);
    case GroupingMethod::kRadixSort:
      return sort_by_radix(problem, workspace.data(), workspace.bytes(), stream);
  }
}

std::int64_t bytes_for(std::int64_t most_assignments, int experts, GroupingMethod method) {
  if (method == GroupingMethod::kRadixSort) return radix_workspace_bytes(most_assignments, experts);
  return most_assignments <= kMostInOneLaunch ? 0 : runs_workspace_bytes(most_assignments, experts);
}

// Recorded and not run: what CUB launches is its own business, and differs between architectures.
int launches_of(const GroupingProblem& problem, GroupingMethod method,
                const Buffer<std::uint8_t>& workspace) {
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
  group(problem, method, workspace, stream);
  check(cudaStreamEndCapture(stream, &graph));
  std::size_t nodes = 0;
  check(cudaGraphGetNodes(graph, nullptr, &nodes));
  check(cudaGraphDestroy(graph));
  check(cudaStreamDestroy(stream));
  return static_cast<int>(nodes);
}

}  // namespace

Grouping::Grouping(std::int64_t most_assignments, int experts, GroupingMethod method)
    : method_(method),
      experts_(experts),
      workspace_(bytes_for(most_assignments, experts, method)),
      launches_(launches_of({.assignments = most_assignments, .top_k = 1, .experts = experts},
                            method, workspace_)) {}

void Grouping::run(const std::int32_t* expert, std::int64_t assignments, int top_k,
                   const Slots& slots, cudaStream_t stream) {
  group({.expert = expert,
         .assignments = assignments,
         .top_k = top_k,
         .experts = experts_,
         .slots = slots},
        method_, workspace_, stream);
}

std::int64_t Grouping::workspace_bytes() const { return workspace_.bytes(); }
int Grouping::launches() const { return launches_; }

}  // namespace moe::cuda
