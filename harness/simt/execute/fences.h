// membar and fence. Source: PTX ISA 9.0, "membar, fence" and "Memory Consistency Model".
#pragma once
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

Instruction decode_fence(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);
Instruction decode_membar(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);

}  // namespace moe::simt
