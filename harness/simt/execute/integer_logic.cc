// and or xor not cnot lop3, of bits and of predicates. Source: PTX ISA 9.0, "Logic and Shift
// Instructions".
#include "harness/simt/execute/elementwise_decode.h"
#include "harness/simt/execute/integer.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

struct And {
  template <class T>
  T operator()(T a, T b) const {
    return a & b;
  }
};
struct Or {
  template <class T>
  T operator()(T a, T b) const {
    return a | b;
  }
};
struct Xor {
  template <class T>
  T operator()(T a, T b) const {
    return a ^ b;
  }
};
struct Not {
  template <class T>
  T operator()(T a) const {
    return ~a;
  }
};
struct IsZero {
  template <class T>
  T operator()(T a) const {
    return a == 0 ? 1 : 0;
  }
};

// Of lanes where just one operand is poisoned, those in which the other does not decide the result.
template <class Bits>
LaneMask undecided(LaneMask lanes, LaneMask poisoned_a, const Bits* a, const Bits* b,
                   Bits deciding) {
  LaneMask result = 0;
  for_each_lane(lanes, [&](int lane) {
    const Bits known = has_lane(poisoned_a, lane) ? b[lane] : a[lane];
    result |= known == deciding ? 0u : 1u << lane;
  });
  return result;
}

// and, or: an operand that is all zeros (all ones) decides the result, whatever the other holds.
template <class Op, class L, bool kAllOnes>
Outcome deciding_logic(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  using Bits = typename L::Register;
  const LaneMask a = warp.poison(instruction.src[0]);
  const LaneMask b = warp.poison(instruction.src[1]);
  LaneMask poisoned = a & b;
  if (((a ^ b) & lanes) != 0) {
    poisoned |= undecided<Bits>((a ^ b) & lanes, a, warp.value<Bits>(instruction.src[0]),
                                warp.value<Bits>(instruction.src[1]),
                                kAllOnes ? L::store(static_cast<typename L::Value>(-1)) : 0);
  }
  warp.set_poison(instruction.dst, lanes, poisoned);
  return lanewise<Op, L, L, L>(warp, instruction, lanes);
}

// Predicates: one bit a lane, all lanes at once.
template <class Op>
Outcome predicate_logic(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const LaneMask a = warp.predicate(instruction.src[0]);
  const LaneMask b = warp.predicate(instruction.src[1]);
  const LaneMask poison_a = warp.poison(instruction.src[0]);
  const LaneMask poison_b = warp.poison(instruction.src[1]);
  LaneMask poisoned = poison_a | poison_b;
  if constexpr (std::is_same_v<Op, And>) poisoned &= (poison_a | a) & (poison_b | b);
  if constexpr (std::is_same_v<Op, Or>) poisoned &= (poison_a | ~a) & (poison_b | ~b);
  warp.set_poison(instruction.dst, lanes, poisoned);
  write_predicate(warp, instruction.dst, lanes, Op{}(a, b));
  return Outcome::kNext;
}

Outcome predicate_not(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  write_predicate(warp, instruction.dst, lanes, ~warp.predicate(instruction.src[0]));
  return Outcome::kNext;
}

template <class Op>
Handler binary_logic(ptx::Type type) {
  return with_bits(type, []<class L>() -> Handler {
    if constexpr (std::is_same_v<Op, And>) return &deciding_logic<Op, L, false>;
    if constexpr (std::is_same_v<Op, Or>) return &deciding_logic<Op, L, true>;
    return &lanewise<Op, L, L, L>;
  });
}

template <class Op>
Instruction decode_binary(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  const bool predicates = type.kind == Kind::kPredicate;
  if (!predicates && type.kind != Kind::kBits) decoder.fail("expected .b16, .b32, .b64 or .pred");
  Instruction instruction = decode_lanewise(
      decoder, source, predicates ? &predicate_logic<Op> : binary_logic<Op>(type),
      predicates ? InstructionClass::kPredicate : InstructionClass::kInteger, {type, type});
  instruction.own_poison = predicates || !std::is_same_v<Op, Xor>;
  return instruction;
}

Instruction decode_not(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  if (type.kind == Kind::kPredicate) {
    return decode_lanewise(decoder, source, &predicate_not, InstructionClass::kPredicate, {type});
  }
  if (type.kind != Kind::kBits) decoder.fail("expected .b16, .b32, .b64 or .pred");
  const Handler handler =
      with_bits(type, []<class L>() -> Handler { return &lanewise<Not, L, L>; });
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type});
}

Instruction decode_cnot(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  if (type.kind != Kind::kBits) decoder.fail("expected .b16, .b32 or .b64");
  const Handler handler =
      with_bits(type, []<class L>() -> Handler { return &lanewise<IsZero, L, L>; });
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type});
}

// Any function of three bits. The table's bit 4a + 2b + c is the result: 0xF0 is a, 0xCC b, 0xAA c.
class TruthTable {
 public:
  explicit TruthTable(const Instruction& instruction) {
    for (int i = 0; i < 8; ++i) row_[i] = (instruction.option >> i & 1) != 0 ? ~0u : 0u;
  }
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b, std::uint32_t c) const {
    const auto choose = [](std::uint32_t which, std::uint32_t if_one, std::uint32_t if_zero) {
      return if_zero ^ ((if_zero ^ if_one) & which);
    };
    return choose(a, choose(b, choose(c, row_[7], row_[6]), choose(c, row_[5], row_[4])),
                  choose(b, choose(c, row_[3], row_[2]), choose(c, row_[1], row_[0])));
  }

 private:
  std::uint32_t row_[8];
};

// lop3.BoolOp: the table in the low byte of option; immediate: the predicate p = (d != 0) BoolOp q.
template <bool kAnd>
Outcome lop3_with_predicate(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const LaneMask poisoned = poisoned_sources(warp, instruction);
  const LaneMask q = warp.predicate(instruction.src[3]);
  lanewise<TruthTable, U32, U32, U32, U32>(warp, instruction, lanes);
  const std::uint32_t* d = warp.value<std::uint32_t>(instruction.dst);
  LaneMask nonzero = 0;
  for (int lane = 0; lane < kLanes; ++lane) nonzero |= d[lane] != 0 ? 1u << lane : 0u;
  const Reg p = static_cast<Reg>(instruction.immediate);
  write_predicate(warp, p, lanes, kAnd ? nonzero & q : nonzero | q);
  warp.set_poison(instruction.dst, lanes, poisoned);
  warp.set_poison(p, lanes, poisoned);
  return Outcome::kNext;
}

void decode_lop3_sources(Decoder& decoder, const ptx::Instruction& source,
                         Instruction& instruction) {
  for (int i = 0; i < 3; ++i) {
    instruction.src[i] = decoder.source(source.operands[i + 1], kBits32);
  }
  instruction.option = immediate_value(decoder, source.operands[4]);
  if (instruction.option > 255) decoder.fail("the truth table must be 0 to 255");
}

Instruction decode_lop3(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const int combine = modifiers.take_one_of({"or", "and"});
  if (modifiers.need_type() != kBits32) decoder.fail("expected .b32");
  if (combine < 0) {
    expect_operands(decoder, source, 5);
    Instruction instruction =
        new_instruction(decoder, &lanewise<TruthTable, U32, U32, U32, U32>,
                        InstructionClass::kInteger, decoder.destination(source.operands[0]));
    decode_lop3_sources(decoder, source, instruction);
    return instruction;
  }
  expect_operands(decoder, source, 6);
  const ptx::Operand& pair = source.operands[0];
  if (pair.kind != ptx::Operand::Kind::kPair) decoder.fail("expected d|p");
  Instruction instruction = new_instruction(
      decoder, combine == 0 ? &lop3_with_predicate<false> : &lop3_with_predicate<true>,
      InstructionClass::kInteger,
      pair.parts[0].kind == ptx::Operand::Kind::kSink ? decoder.scratch(4)
                                                      : decoder.destination(pair.parts[0]));
  decode_lop3_sources(decoder, source, instruction);
  instruction.src[3] = decoder.source(source.operands[5], kPredicateType);
  instruction.immediate = decoder.destination(pair.parts[1]);
  instruction.own_poison = true;
  return instruction;
}

}  // namespace

void add_logic_opcodes(OpcodeTable& table) {
  table["and"] = decode_binary<And>;
  table["or"] = decode_binary<Or>;
  table["xor"] = decode_binary<Xor>;
  table["not"] = decode_not;
  table["cnot"] = decode_cnot;
  table["lop3"] = decode_lop3;
  add_shift_opcodes(table);
}

}  // namespace moe::simt
