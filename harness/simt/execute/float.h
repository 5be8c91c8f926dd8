// Forms of f32, f64 and f32x2 of opcodes whose table entry is shared with other types (integer.cc).
// Source: PTX ISA 9.0, "Floating Point Instructions".
#pragma once
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

// Each takes the operand type that the table entry has read from the modifiers.
Instruction decode_float_add(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_float_sub(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_float_mul(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_float_fma(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_float_div(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_float_neg(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_float_abs(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_float_min(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_float_max(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);

void add_sign_opcodes(OpcodeTable& table);         // copysign testp
void add_quotient_opcodes(OpcodeTable& table);     // rcp sqrt rsqrt
void add_approximate_opcodes(OpcodeTable& table);  // sin cos ex2 lg2 tanh

}  // namespace moe::simt
