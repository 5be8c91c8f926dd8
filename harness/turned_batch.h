#pragma once
#include <cstdint>
#include <vector>

#include "harness/device_memory.h"
#include "kernels/contract/strategy.h"

namespace moe::harness {

// A batch whose tokens can be turned: turned(r) begins with token r and ends with token r - 1. Same
// tokens, same load, other content at another address: what a strategy kept from the last run
// is wrong for the next.
class TurnedBatch {
 public:
  // The numbers are rounded to the dtype already. device: where the strategy reads them; nullptr:
  // here.
  TurnedBatch(const Batch& batch, DType dtype, Device* device = nullptr);

  // For the strategy. 0 <= by < tokens (0 with no tokens).
  Batch turned(std::int64_t by) const;
  // The same tokens where the judge can read them.
  Batch on_host(std::int64_t by) const;
  // Whether the inputs are still what they were.
  bool intact() const;

 private:
  std::int64_t tokens_;
  std::int64_t hidden_;
  std::int64_t experts_;
  DType dtype_;
  std::vector<float> x_, logits_;  // each token twice: [2 T, H], [2 T, E]
  Placed<float> placed_x_, placed_logits_;
  Placed<std::uint16_t> placed_x16_;
};

}  // namespace moe::harness
