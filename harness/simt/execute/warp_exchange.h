// Values between lanes: shfl.sync and match.sync. Source: PTX ISA 9.0, sections of these names.
#pragma once
#include <cstdint>

#include "harness/simt/machine/lanes.h"

namespace moe::simt {

enum class ShuffleMode : std::uint8_t { kUp, kDown, kButterfly, kIndex };

// Where a lane takes its value from. Out of range: from itself, and the predicate is false.
struct ShuffleSource {
  int lane;
  bool in_range;
};
// `offset` is operand b (its low 5 bits count), `clamp` operand c: bits 0-4 the clamp value, bits
// 8-12 the segment mask.
ShuffleSource shuffle_source(ShuffleMode mode, int lane, std::uint32_t offset, std::uint32_t clamp);

}  // namespace moe::simt
