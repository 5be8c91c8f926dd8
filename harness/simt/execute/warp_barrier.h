// bar.warp.sync and barrier.warp.sync. Source: PTX ISA 9.0, "bar.warp.sync".
#pragma once
#include "harness/simt/machine/warp.h"

namespace moe::simt {

// The handler: src[0] holds each lane's 32-bit member mask, and `splits` must be set. The opcodes
// are decoded with the other barriers.
Outcome warp_barrier(Warp& warp, const Instruction& instruction, LaneMask lanes);

}  // namespace moe::simt
