// ld, ldu and st. Source: PTX ISA 9.0, "Data Movement and Conversion Instructions".
#pragma once
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

Instruction decode_load(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);
Instruction decode_uniform_load(Decoder& decoder, const ptx::Instruction& source,
                                Modifiers& modifiers);  // ldu
Instruction decode_store(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);

}  // namespace moe::simt
