#pragma once
#include <cstdint>
#include <vector>

#include "kernels/contract/strategy.h"

namespace moe::harness {

// A batch whose tokens can be turned: turned(r) begins with token r and ends with token r - 1. Same
// tokens, same load, other content at another address: what a strategy kept from the last run
// is wrong for the next.
class TurnedBatch {
 public:
  explicit TurnedBatch(const Batch& batch);

  Batch turned(std::int64_t by) const;  // 0 <= by < tokens (0 with no tokens)
  bool intact() const { return x_ == x_copy_ && logits_ == logits_copy_; }

 private:
  std::int64_t tokens_;
  std::int64_t hidden_;
  std::int64_t experts_;
  std::vector<float> x_, logits_;            // each token twice: [2 T, H], [2 T, E]
  std::vector<float> x_copy_, logits_copy_;  // to see whether a strategy wrote to its inputs
};

}  // namespace moe::harness
