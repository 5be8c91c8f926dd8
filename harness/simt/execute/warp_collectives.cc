// What the collectives of a warp share, and their opcodes.
#include "harness/simt/execute/warp_collectives.h"

#include <fmt/format.h>

#include "harness/simt/machine/warp_access.h"

namespace moe::simt {
namespace {

void check_size(Decoder& decoder, const ptx::Operand& operand, int bits) {
  if (decoder.is_register(operand) && decoder.register_bits(operand) != bits) {
    decoder.fail(fmt::format("a register of {} bits is needed", bits));
  }
}

}  // namespace

Instruction make_collective(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                            Handler handler, std::size_t members) {
  if (!modifiers.take("sync")) {
    decoder.fail("without .sync this is not for sm_70 and later");
  }
  if (source.operands.size() != members + 1) {
    decoder.fail(fmt::format("{} operands, {} are needed", source.operands.size(), members + 1));
  }
  Instruction instruction;
  instruction.handler = handler;
  instruction.kind = InstructionClass::kShuffle;
  instruction.splits = true;
  instruction.own_poison = true;
  instruction.immediate = kNoReg;
  instruction.src[3] = decoder.source(source.operands[members], {ptx::Type::Kind::kUnsigned, 32});
  return instruction;
}

Reg sized_source(Decoder& decoder, const ptx::Operand& operand, ptx::Type type) {
  check_size(decoder, operand, type.bits);
  return decoder.source(operand, type);
}

Reg sized_destination(Decoder& decoder, const ptx::Operand& operand, int bits) {
  check_size(decoder, operand, bits);
  return decoder.destination(operand);
}

void set_destinations(Decoder& decoder, const ptx::Operand& operand, Instruction& instruction) {
  using Kind = ptx::Operand::Kind;
  const auto value = [&](const ptx::Operand& part) {
    return part.kind == Kind::kSink ? decoder.scratch(4) : sized_destination(decoder, part, 32);
  };
  if (operand.kind != Kind::kPair) {
    instruction.dst = value(operand);
    return;
  }
  instruction.dst = value(operand.parts[0]);
  const ptx::Operand& predicate = operand.parts[1];
  if (predicate.kind != Kind::kSink) instruction.immediate = decoder.destination(predicate);
}

void check_members(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const LaneMask poisoned = warp.poison(instruction.src[3]) & lanes;
  if (poisoned != 0) report_poison(warp, instruction, poisoned, "the member mask");
}

void set_predicate(Warp& warp, Reg reg, LaneMask lanes, LaneMask value, LaneMask poisoned) {
  if (reg == kNoReg) return;
  LaneMask& bits = warp.predicate(reg);
  bits = (bits & ~lanes) | (value & lanes);
  warp.set_poison(reg, lanes, poisoned);
}

void add_warp_opcodes(OpcodeTable& table) {
  table["shfl"] = decode_shuffle;
  table["match"] = decode_match;
  table["vote"] = decode_vote;
  table["activemask"] = decode_activemask;
  table["elect"] = decode_elect;
  table["redux"] = decode_redux;
}

}  // namespace moe::simt
