// setp and set.
#include "harness/simt/execute/compare.h"

#include "harness/simt/execute/compare_lanes.h"
#include "harness/simt/execute/elementwise_decode.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

void write_known(Warp& warp, Reg reg, LaneMask lanes, const Combined& result) {
  write_predicate(warp, reg, lanes, result.value);
  warp.set_poison(reg, lanes, result.poisoned);
}

// p = (a cmp b) BoolOp c; q = !(a cmp b) BoolOp c.
Outcome set_predicates(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const auto& extra = instruction.as<CompareExtra>();
  const LaneMask poisoned = warp.poison(instruction.src[0]) | warp.poison(instruction.src[1]);
  const Combined third{warp.predicate(instruction.src[2]), warp.poison(instruction.src[2])};
  const LaneMask holds = extra.compare(warp, instruction.src[0], instruction.src[1]).low;
  write_known(warp, instruction.dst, lanes, combine(extra.combine, {holds, poisoned}, third));
  if (extra.second != kNoReg) {
    write_known(warp, extra.second, lanes, combine(extra.combine, {~holds, poisoned}, third));
  }
  return Outcome::kNext;
}

// The usual case: one predicate, nothing to combine with.
Outcome set_predicate(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const auto& extra = instruction.as<CompareExtra>();
  write_predicate(warp, instruction.dst, lanes,
                  extra.compare(warp, instruction.src[0], instruction.src[1]).low);
  return Outcome::kNext;
}

// Packed types: p is of the lower halves, q of the upper ones.
Outcome set_packed_predicates(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const auto& extra = instruction.as<CompareExtra>();
  const LaneMask poisoned = warp.poison(instruction.src[0]) | warp.poison(instruction.src[1]);
  const Combined third{warp.predicate(instruction.src[2]), warp.poison(instruction.src[2])};
  const ComparedLanes holds = extra.compare(warp, instruction.src[0], instruction.src[1]);
  write_known(warp, instruction.dst, lanes, combine(extra.combine, {holds.low, poisoned}, third));
  write_known(warp, extra.second, lanes, combine(extra.combine, {holds.high, poisoned}, third));
  return Outcome::kNext;
}

// set: option holds the register value of "true"; of packed types that of one half.
template <bool kPacked>
Outcome set_values(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const auto& extra = instruction.as<CompareExtra>();
  const LaneMask poisoned = poisoned_sources(warp, instruction, 3);
  const Combined third{warp.predicate(instruction.src[2]), 0};
  const ComparedLanes holds = extra.compare(warp, instruction.src[0], instruction.src[1]);
  const LaneMask low = combine(extra.combine, {holds.low, 0}, third).value;
  const LaneMask high = kPacked ? combine(extra.combine, {holds.high, 0}, third).value : 0;
  const std::uint32_t yes = instruction.option;
  std::uint32_t* dst = warp.value<std::uint32_t>(instruction.dst);
  for_each_lane(lanes, [&](int lane) {
    dst[lane] = (has_lane(low, lane) ? yes : 0) | (has_lane(high, lane) ? yes << 16 : 0);
  });
  warp.set_poison(instruction.dst, lanes, poisoned);
  return Outcome::kNext;
}

// Operands a, b and, with a BoolOp, c. Packed pairs and half types are read as bits.
void decode_compared(Decoder& decoder, const ptx::Instruction& source, Instruction& instruction,
                     ptx::Type type, Combine how) {
  expect_operands(decoder, source, how == Combine::kNone ? 3 : 4);
  if (is_half(type)) type = type.lanes == 2 ? kBits32 : kBits16;
  instruction.src[0] = decoder.source(source.operands[1], type);
  instruction.src[1] = decoder.source(source.operands[2], type);
  if (how != Combine::kNone) {
    instruction.src[2] = decoder.source(source.operands[3], kPredicateType);
  }
}

Instruction decode_setp(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  auto extra = std::make_shared<CompareExtra>();
  const Comparison comparison = take_comparison(decoder, modifiers);
  extra->combine = take_combine(modifiers);
  const bool ftz = modifiers.take("ftz");
  const ptx::Type type = modifiers.need_type();
  extra->compare = compare_function(decoder, comparison, type, ftz);

  const bool packed = type.lanes == 2;
  const bool pair =
      !source.operands.empty() && source.operands[0].kind == ptx::Operand::Kind::kPair;
  if (packed && !pair) decoder.fail("packed types set p|q");
  const bool simple = !pair && extra->combine == Combine::kNone;
  Instruction instruction = new_instruction(decoder,
                                            packed   ? &set_packed_predicates
                                            : simple ? &set_predicate
                                                     : &set_predicates,
                                            InstructionClass::kPredicate, kNoReg);
  decode_compared(decoder, source, instruction, type, extra->combine);
  const auto predicate = [&](const ptx::Operand& operand) {
    return operand.kind == ptx::Operand::Kind::kSink ? decoder.scratch(0)
                                                     : decoder.destination(operand);
  };
  instruction.dst = predicate(pair ? source.operands[0].parts[0] : source.operands[0]);
  if (pair) extra->second = predicate(source.operands[0].parts[1]);
  instruction.own_poison = !simple;
  instruction.extra = extra;
  return instruction;
}

// The value that stands for true: 1.0 of a float type, all ones of an integer type.
std::uint32_t true_value(Decoder& decoder, ptx::Type type) {
  if (type.kind == Kind::kBfloat) return 0x3f80;
  if (type.kind == Kind::kFloat && type.bits == 16) return 0x3c00;
  if (type.kind == Kind::kFloat && type.bits == 32 && type.lanes == 1) return 0x3f800000;
  if (is_integer(type) && type.bits == 16 && type.lanes == 1) return 0xffff;
  if (!is_integer(type) || type.bits != 32) decoder.fail("no such type of a result");
  return 0xffffffff;
}

Instruction decode_set(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  auto extra = std::make_shared<CompareExtra>();
  const Comparison comparison = take_comparison(decoder, modifiers);
  extra->combine = take_combine(modifiers);
  const bool ftz = modifiers.take("ftz");
  const ptx::Type result = modifiers.need_type();
  const ptx::Type type = modifiers.need_type();
  extra->compare = compare_function(decoder, comparison, type, ftz);
  const bool packed = type.lanes == 2;
  if (source.operands.empty()) decoder.fail("expected operands");
  Instruction instruction =
      new_instruction(decoder, packed ? &set_values<true> : &set_values<false>,
                      InstructionClass::kInteger, decoder.destination(source.operands[0]));
  decode_compared(decoder, source, instruction, type, extra->combine);
  // A 32-bit integer result of a packed comparison has 0xffff in each half.
  instruction.option = packed && is_integer(result) ? 0xffff : true_value(decoder, result);
  instruction.own_poison = true;
  instruction.extra = extra;
  return instruction;
}

}  // namespace

void add_compare_opcodes(OpcodeTable& table) {
  table["setp"] = decode_setp;
  table["set"] = decode_set;
  add_select_opcodes(table);
}

}  // namespace moe::simt
