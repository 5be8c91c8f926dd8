// atom and red. Source: PTX ISA 9.0, "atom", "red".
#pragma once
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

Instruction decode_atom(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);
// red without .async; `red.async` is decoded by its own family.
Instruction decode_red(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);

}  // namespace moe::simt
