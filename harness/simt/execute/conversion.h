// cvt cvta isspacep mov. Source: PTX ISA 9.0, "Data Movement and Conversion Instructions".
#pragma once
#include "harness/simt/execute/conversion_operations.h"
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

// The modifiers of a cvt, its types included.
struct Conversion {
  bool rounds = false;  // .rn .rz .rm .rp .rna
  Rounding rounding = Rounding::kNearest;
  bool to_integral = false;  // .rni .rzi .rmi .rpi
  Rounding integral = Rounding::kNearest;
  bool ftz = false, sat = false, relu = false, satfinite = false;
  ptx::Type to, from;
};

// The handlers of scalar conversions, src[0] to dst; null when there is no such conversion.
Handler integer_to_integer(const Conversion& conversion);
Handler integer_to_float(const Conversion& conversion);
Handler float_to_integer(const Conversion& conversion);
Handler float_to_float(const Conversion& conversion);
Handler float_to_tf32(const Conversion& conversion);

// Conversions of two values at once, of and to f16x2, bf16x2, e4m3x2, e5m2x2.
bool is_packed_conversion(const Conversion& conversion);
Instruction decode_packed_conversion(Decoder&, const ptx::Instruction&, const Conversion&);
Instruction decode_pack(Decoder&, const ptx::Instruction&, Modifiers&);  // cvt.pack

void add_move_opcodes(OpcodeTable& table);     // mov
void add_address_opcodes(OpcodeTable& table);  // cvta isspacep

}  // namespace moe::simt
