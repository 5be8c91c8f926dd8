// ld, ldu and st. Source: PTX ISA 9.0, "Data Movement and Conversion Instructions".
#pragma once
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

Instruction decode_load(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);
Instruction decode_uniform_load(Decoder& decoder, const ptx::Instruction& source,
                                Modifiers& modifiers);  // ldu
Instruction decode_store(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);

// Of a load of `type` into registers of `register_bits`, at least as many as the type's.
Handler load_handler(ptx::Type type, int register_bits);
// Of a store of elements of `bits`.
Handler store_handler(int bits);

}  // namespace moe::simt
