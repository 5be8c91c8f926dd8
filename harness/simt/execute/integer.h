// Integer forms of opcodes whose table entry is shared with other types, and the tables of the
// files integer_*.cc. Source: PTX ISA 9.0, "Integer Arithmetic Instructions".
#pragma once
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

// Each takes the operand type that the table entry has read from the modifiers.
Instruction decode_integer_add(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_integer_sub(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_integer_mul(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_integer_mad(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_integer_div(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_integer_neg(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_integer_abs(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_integer_min(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
Instruction decode_integer_max(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);

// add.cc, addc, sub.cc, subc, mad.cc, madc: `reads` and `writes` say what they do with CC.CF.
enum class CarryOperation : std::uint8_t { kAdd, kSub, kMadLow, kMadHigh };
Instruction decode_carry(Decoder&, const ptx::Instruction&, ptx::Type, CarryOperation, bool reads,
                         bool writes);

void add_multiply_opcodes(OpcodeTable& table);  // mul24 mad24 dp4a dp2a
void add_carry_opcodes(OpcodeTable& table);     // addc subc madc
void add_logic_opcodes(OpcodeTable& table);     // and or xor not cnot lop3
void add_shift_opcodes(OpcodeTable& table);     // shl shr shf
void add_bit_opcodes(OpcodeTable& table);       // brev bfi bfe bfind popc clz fns bmsk szext prmt

}  // namespace moe::simt
