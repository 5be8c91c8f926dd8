// What the decode functions of the arithmetic families share.
#include "harness/simt/execute/elementwise_decode.h"

#include <fmt/format.h>

namespace moe::simt {

using Kind = ptx::Type::Kind;

bool is_integer(ptx::Type type) {
  return type.kind == Kind::kBits || type.kind == Kind::kUnsigned || type.kind == Kind::kSigned;
}

bool is_float(ptx::Type type) { return type.kind == Kind::kFloat && type.bits >= 32; }

bool is_half(ptx::Type type) {
  return (type.kind == Kind::kFloat || type.kind == Kind::kBfloat) && type.bits == 16;
}

void expect_operands(Decoder& decoder, const ptx::Instruction& source, std::size_t count) {
  if (source.operands.size() != count) {
    decoder.fail(fmt::format("expected {} operands, found {}", count, source.operands.size()));
  }
}

Instruction new_instruction(Decoder& decoder, Handler handler, InstructionClass kind, Reg dst) {
  if (handler == nullptr) decoder.fail("no such form of this opcode");
  Instruction instruction;
  instruction.handler = handler;
  instruction.kind = kind;
  instruction.dst = dst;
  for (Reg& src : instruction.src) src = decoder.zero();
  return instruction;
}

Instruction decode_lanewise(Decoder& decoder, const ptx::Instruction& source, Handler handler,
                            InstructionClass kind, std::initializer_list<ptx::Type> types) {
  expect_operands(decoder, source, types.size() + 1);
  Instruction instruction =
      new_instruction(decoder, handler, kind, decoder.destination(source.operands[0]));
  std::size_t i = 0;
  for (const ptx::Type& type : types) {
    instruction.src[i] = decoder.source(source.operands[i + 1], type);
    ++i;
  }
  return instruction;
}

std::uint32_t immediate_value(Decoder& decoder, const ptx::Operand& operand) {
  if (operand.kind != ptx::Operand::Kind::kImmediate || operand.is_float) {
    decoder.fail("expected an integer literal");
  }
  return static_cast<std::uint32_t>(operand.bits);
}

DecodeFunction by_type(DecodeTyped integer, DecodeTyped floating, DecodeTyped half) {
  return [=](Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
    const ptx::Type type = modifiers.need_type();
    const DecodeTyped decode = is_integer(type) ? integer
                               : is_float(type) ? floating
                               : is_half(type)  ? half
                                                : nullptr;
    if (decode == nullptr) decoder.fail("this opcode has no form of this type");
    return decode(decoder, source, modifiers, type);
  };
}

Rounding take_rounding(Modifiers& modifiers, Rounding otherwise) {
  switch (modifiers.take_one_of({"rn", "rz", "rm", "rp"})) {
    case 0:
      return Rounding::kNearest;
    case 1:
      return Rounding::kZero;
    case 2:
      return Rounding::kDown;
    case 3:
      return Rounding::kUp;
    default:
      return otherwise;
  }
}

}  // namespace moe::simt
