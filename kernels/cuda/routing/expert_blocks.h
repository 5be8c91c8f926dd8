// How a launch is cut up in which every block reads all assignments and places those of a few
// experts: one block for a few assignments, and at most one for each multiprocessor.
#pragma once
#include <algorithm>
#include <cstdint>

#include "kernels/cuda/detail/stream.h"

namespace moe::cuda {

struct ExpertBlocks {
  int blocks, threads;
  int experts_a_block;
};

// `work`: assignments to be read, or slots to be written if those are more.
inline ExpertBlocks expert_blocks(std::int64_t work, int experts) {
  // A block that walks fewer than this is over before another one would have started.
  constexpr std::int64_t kWorthABlock = 2048;
  const std::int64_t most = std::min(experts, device_traits().multiprocessors);
  const auto wanted = static_cast<int>(std::clamp<std::int64_t>(work / kWorthABlock, 1, most));
  const int experts_a_block = (experts + wanted - 1) / wanted;
  const int blocks = (experts + experts_a_block - 1) / experts_a_block;
  return {blocks, work < kWorthABlock ? 256 : 1024, experts_a_block};
}

}  // namespace moe::cuda
