// The launches a Grouping is made of.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/detail/buffer.h"
#include "kernels/cuda/routing/routing.h"

namespace moe::cuda {

struct GroupingProblem {
  const std::int32_t* expert = nullptr;  // [assignments]
  std::int64_t assignments = 0;
  int top_k = 0;
  int experts = 0;
  Slots slots = {};
};

// Stable, one launch, for any number of assignments; every block reads them all.
void sort_by_experts(const GroupingProblem& problem, cudaStream_t stream);

// Each block reads only its own run of assignments: one launch that counts, one that places. With
// one block the second does without the first.
inline constexpr int kMostRuns = 128;
int runs_of(std::int64_t assignments);
std::int64_t runs_workspace_bytes(std::int64_t most_assignments, int experts);
void sort_by_runs(const GroupingProblem& problem, int runs, bool stable, std::int32_t* workspace,
                  cudaStream_t stream);

std::int64_t radix_workspace_bytes(std::int64_t most_assignments, int experts);
void sort_by_radix(const GroupingProblem& problem, std::uint8_t* workspace,
                   std::int64_t workspace_bytes, cudaStream_t stream);

}  // namespace moe::cuda
