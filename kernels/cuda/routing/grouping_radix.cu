// The library's way: CUB sorts (expert, assignment) pairs by the ceil(log2 E) bits an expert has,
// and where an expert begins is read off the sorted keys.
#include <algorithm>
#include <bit>
#include <cub/device/device_radix_sort.cuh>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/routing/grouping_kernels.h"

namespace moe::cuda {
namespace {

constexpr int kThreads = 256;

// The workspace: three arrays, each at a multiple of 256 bytes, then CUB's own.
struct Workspace {
  std::int32_t* assignment;         // [n]: 0, 1, 2 ..
  std::uint32_t* sorted_expert;     // [n]
  std::int32_t* sorted_assignment;  // [n]
  std::uint8_t* cub;
};

std::int64_t array_bytes(std::int64_t assignments) { return (4 * assignments + 255) / 256 * 256; }

Workspace divide(std::uint8_t* workspace, std::int64_t assignments) {
  const std::int64_t step = array_bytes(assignments);
  return {reinterpret_cast<std::int32_t*>(workspace),
          reinterpret_cast<std::uint32_t*>(workspace + step),
          reinterpret_cast<std::int32_t*>(workspace + 2 * step), workspace + 3 * step};
}

// At least one, though a single expert needs none.
int bits_of_expert(int experts) {
  return std::max(1, static_cast<int>(std::bit_width(static_cast<unsigned>(experts - 1))));
}

// Asked for the bytes it needs if `memory` is null; runs otherwise.
void sort_pairs(void* memory, std::size_t& bytes, const std::uint32_t* expert, const Workspace& w,
                std::int64_t assignments, int experts, cudaStream_t stream) {
  check(cub::DeviceRadixSort::SortPairs(memory, bytes, expert, w.sorted_expert, w.assignment,
                                        w.sorted_assignment, static_cast<std::int32_t>(assignments),
                                        0, bits_of_expert(experts), stream));
}

__global__ void __launch_bounds__(kThreads)
    number_assignments(std::int32_t* __restrict__ assignment, std::int64_t count) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < count) assignment[i] = static_cast<std::int32_t>(i);
}

// The first slot of an expert, or the number of slots for one there is none after.
__device__ std::int32_t lower_bound(const std::uint32_t* sorted, std::int64_t count,
                                    std::uint32_t expert) {
  std::int64_t low = 0, high = count;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (sorted[middle] < expert) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return static_cast<std::int32_t>(low);
}

// Thread i tells where slot i's assignment went; the first threads also where the experts begin.
__global__ void __launch_bounds__(kThreads)
    read_off(const GroupingProblem p, const std::uint32_t* __restrict__ sorted_expert,
             const std::int32_t* __restrict__ sorted_assignment) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < p.assignments) {
    const std::int32_t a = sorted_assignment[i];
    p.slots.of_assignment[a] = static_cast<std::int32_t>(i);
    p.slots.token[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(a) /
                                                 static_cast<std::uint32_t>(p.top_k));
  }
  if (i <= p.experts) {
    const auto e = static_cast<std::uint32_t>(i);
    const std::int32_t begin = lower_bound(sorted_expert, p.assignments, e);
    p.slots.begin[i] = begin;
    if (i < p.experts) {
      p.slots.count[i] = lower_bound(sorted_expert, p.assignments, e + 1) - begin;
    }
  }
}

unsigned blocks_for(std::int64_t threads) {
  return static_cast<unsigned>((threads + kThreads - 1) / kThreads);
}

}  // namespace

std::int64_t radix_workspace_bytes(std::int64_t most_assignments, int experts) {
  std::size_t bytes = 0;
  sort_pairs(nullptr, bytes, nullptr, {}, most_assignments, experts, nullptr);
  return 3 * array_bytes(most_assignments) + static_cast<std::int64_t>(bytes);
}

void sort_by_radix(const GroupingProblem& problem, std::uint8_t* workspace,
                   std::int64_t workspace_bytes, cudaStream_t stream) {
  const std::int64_t n = problem.assignments;
  const Workspace w = divide(workspace, n);
  if (n > 0) {
    number_assignments<<<blocks_for(n), kThreads, 0, stream>>>(w.assignment, n);
    check_launch();
    std::size_t bytes = static_cast<std::size_t>(workspace_bytes - 3 * array_bytes(n));
    sort_pairs(w.cub, bytes, reinterpret_cast<const std::uint32_t*>(problem.expert), w, n,
               problem.experts, stream);
  }
  const std::int64_t threads = n > problem.experts ? n : problem.experts + 1;
  read_off<<<blocks_for(threads), kThreads, 0, stream>>>(problem, w.sorted_expert,
                                                         w.sorted_assignment);
  check_launch();
}

}  // namespace moe::cuda
