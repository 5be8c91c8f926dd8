// Forms of f16, bf16 and their packed pairs of opcodes whose table entry is shared with other
// types. Source: PTX ISA 9.0, "Half Precision Floating Point Instructions".
#pragma once
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

// Each takes the operand type that the table entry has read from the modifiers.
Instruction decode_half_add(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_half_sub(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_half_mul(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_half_fma(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_half_neg(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_half_abs(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_half_min(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_half_max(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_half_ex2(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_half_tanh(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);

}  // namespace moe::simt
