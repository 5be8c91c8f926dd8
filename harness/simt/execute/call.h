// Calls of device functions: direct, through a pointer, and of functions that call themselves.
#pragma once
#include "harness/simt/machine/decoder.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {

Instruction decode_call(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);

// ret of the running fragment, which is in a function: results to the caller's variables, and back.
Outcome return_from_call(Warp& warp, LaneMask lanes);

}  // namespace moe::simt
