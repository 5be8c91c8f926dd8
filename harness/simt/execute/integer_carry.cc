// add.cc addc sub.cc subc mad.cc madc: arithmetic of several words. The condition code register's
// carry flag is a predicate register of the decoder's own. Source: PTX ISA 9.0, "Extended-Precision
// Integer Arithmetic Instructions".
#include "harness/simt/execute/elementwise_decode.h"
#include "harness/simt/execute/integer.h"
#include "harness/simt/execute/integer_operations.h"

namespace moe::simt {
namespace {

// src[0], src[1]: the operands; src[2]: the addend of mad; src[3]: the flag, where it is read;
// immediate: the flag, where it is written. The sign of P matters only to mad.hi.
template <class P, CarryOperation kOperation, bool kReads, bool kWrites>
Outcome carry_arithmetic(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  using T = std::make_unsigned_t<P>;
  const T* a = warp.value<T>(instruction.src[0]);
  const T* b = warp.value<T>(instruction.src[1]);
  const T* c = warp.value<T>(instruction.src[2]);
  T* dst = warp.value<T>(instruction.dst);
  const LaneMask carry_in = kReads ? warp.predicate(instruction.src[3]) : 0;
  const LaneMask poisoned = poisoned_sources(warp, instruction);
  LaneMask carry_out = 0;
  for_each_lane(lanes, [&](int lane) {
    const T in = has_lane(carry_in, lane);
    T x = a[lane];
    T y = b[lane];
    if constexpr (kOperation == CarryOperation::kMadLow) x = MultiplyLow<T>{}(x, y);
    if constexpr (kOperation == CarryOperation::kMadHigh) x = MultiplyHigh<P>{}(x, y);
    if constexpr (kOperation >= CarryOperation::kMadLow) y = c[lane];
    bool carry = false;
    if constexpr (kOperation == CarryOperation::kSub) {
      carry = x < y || (x == y && in);  // a borrow
      dst[lane] = x - y - in;
    } else {
      const T sum = x + y + in;
      carry = sum < x || (sum == x && in);
      dst[lane] = sum;
    }
    carry_out |= carry ? 1u << lane : 0u;
  });
  warp.set_poison(instruction.dst, lanes, poisoned);
  if constexpr (kWrites) {
    const Reg flag = static_cast<Reg>(instruction.immediate);
    write_predicate(warp, flag, lanes, carry_out);
    warp.set_poison(flag, lanes, poisoned);
  }
  return Outcome::kNext;
}

template <class P, CarryOperation kOperation>
Handler carry_handler(bool reads, bool writes) {
  return with_flag(reads, [&](auto in) {
    return with_flag(writes, [&](auto out) -> Handler {
      return &carry_arithmetic<P, kOperation, in.value, out.value>;
    });
  });
}

template <class P>
Handler carry_handler(CarryOperation operation, bool reads, bool writes) {
  switch (operation) {
    case CarryOperation::kAdd:
      return carry_handler<P, CarryOperation::kAdd>(reads, writes);
    case CarryOperation::kSub:
      return carry_handler<P, CarryOperation::kSub>(reads, writes);
    case CarryOperation::kMadLow:
      return carry_handler<P, CarryOperation::kMadLow>(reads, writes);
    case CarryOperation::kMadHigh:
      return carry_handler<P, CarryOperation::kMadHigh>(reads, writes);
  }
  return nullptr;
}

Instruction decode_addc(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const bool writes = modifiers.take("cc");
  return decode_carry(decoder, source, modifiers.need_type(), CarryOperation::kAdd, true, writes);
}

Instruction decode_subc(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const bool writes = modifiers.take("cc");
  return decode_carry(decoder, source, modifiers.need_type(), CarryOperation::kSub, true, writes);
}

Instruction decode_madc(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const int part = modifiers.take_one_of({"lo", "hi"});
  if (part < 0) decoder.fail("expected .lo or .hi");
  const bool writes = modifiers.take("cc");
  const auto operation = part == 0 ? CarryOperation::kMadLow : CarryOperation::kMadHigh;
  return decode_carry(decoder, source, modifiers.need_type(), operation, true, writes);
}

}  // namespace

Instruction decode_carry(Decoder& decoder, const ptx::Instruction& source, ptx::Type type,
                         CarryOperation operation, bool reads, bool writes) {
  if (type.lanes != 1 || type.kind == ptx::Type::Kind::kBits)
    decoder.fail("expected .u or .s type");
  if (type.bits == 16) decoder.fail("expected 32 or 64 bits");
  if (operation != CarryOperation::kMadHigh) type.kind = ptx::Type::Kind::kUnsigned;
  const Handler handler = with_integer(type, [&]<class L>() -> Handler {
    if constexpr (sizeof(typename L::Value) == 2) {
      return nullptr;
    } else {
      return carry_handler<typename L::Value>(operation, reads, writes);
    }
  });
  Instruction instruction =
      operation >= CarryOperation::kMadLow
          ? decode_lanewise(decoder, source, handler, InstructionClass::kInteger,
                            {type, type, type})
          : decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type, type});
  if (reads) instruction.src[3] = decoder.carry_flag();
  if (writes) instruction.immediate = decoder.carry_flag();
  instruction.own_poison = true;
  return instruction;
}

void add_carry_opcodes(OpcodeTable& table) {
  table["addc"] = decode_addc;
  table["subc"] = decode_subc;
  table["madc"] = decode_madc;
}

}  // namespace moe::simt
