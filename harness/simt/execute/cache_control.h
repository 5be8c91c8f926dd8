// Instructions that speak to the caches only: checked for form, without effect.
// Source: PTX ISA 9.0, "prefetch, prefetchu", "applypriority", "discard", "createpolicy".
#pragma once
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

Instruction decode_prefetch(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);
Instruction decode_prefetchu(Decoder& decoder, const ptx::Instruction& source,
                             Modifiers& modifiers);
Instruction decode_applypriority(Decoder& decoder, const ptx::Instruction& source,
                                 Modifiers& modifiers);
Instruction decode_discard(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);
// Writes a constant: what a policy is made of is opaque.
Instruction decode_createpolicy(Decoder& decoder, const ptx::Instruction& source,
                                Modifiers& modifiers);

}  // namespace moe::simt
