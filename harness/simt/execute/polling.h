// Tells a warp that polls: the same strong access that got the same values as the last time. Such a
// warp lets others run, or a natural schedule would wait for ever for a flag another warp is to
// set.
#pragma once
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "harness/simt/machine/block.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {

class Polling {
 public:
  // Whether `warp` got `values` (a digest) for `lanes` at `at` the last time too; remembers them.
  bool repeats(const Warp& warp, const Instruction& at, LaneMask lanes, std::uint64_t values) {
    if (last_.size() <= static_cast<std::size_t>(warp.index)) last_.resize(warp.index + 1);
    Seen& seen = last_[warp.index][&at];
    const bool same = seen.lanes == lanes && seen.values == values;
    seen = {lanes, values};
    return same;
  }

  static std::uint64_t digest(std::uint64_t so_far, std::uint64_t value) {
    return (so_far ^ value) * 0x9e3779b97f4a7c15ull + (so_far >> 29);
  }

 private:
  struct Seen {
    LaneMask lanes = 0;
    std::uint64_t values = 0;
  };
  std::vector<std::unordered_map<const Instruction*, Seen>> last_;  // by warp
};

}  // namespace moe::simt
