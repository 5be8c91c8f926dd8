// Blocks that run together and may reach each other's shared memory; a cluster of one otherwise.
#pragma once
#include <memory>
#include <unordered_map>
#include <vector>

#include "harness/simt/machine/block.h"

namespace moe::simt {

class Cluster {
 public:
  std::vector<std::unique_ptr<Block>> blocks;  // by rank
  unsigned shape[3] = {1, 1, 1};

  template <class Part>
  Part& part() {
    static const char key = 0;
    std::shared_ptr<void>& slot = parts_[&key];
    if (!slot) slot = std::make_shared<Part>();
    return *static_cast<Part*>(slot.get());
  }

 private:
  std::unordered_map<const void*, std::shared_ptr<void>> parts_;
};

}  // namespace moe::simt
