// selp and slct: one of two values. Only the one that is chosen, and what chooses, poison the
// result.
#include "harness/simt/execute/compare.h"
#include "harness/simt/execute/elementwise_decode.h"
#include "harness/simt/execute/float_operations.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

// dst = where first, src[0], elsewhere src[1].
template <class Bits>
void select_lanes(Warp& warp, const Instruction& instruction, LaneMask lanes, LaneMask first,
                  LaneMask unknown) {
  const Bits* a = warp.value<Bits>(instruction.src[0]);
  const Bits* b = warp.value<Bits>(instruction.src[1]);
  Bits* dst = warp.value<Bits>(instruction.dst);
  const LaneMask poisoned = unknown | (first & warp.poison(instruction.src[0])) |
                            (~first & warp.poison(instruction.src[1]));
  const LaneMask second = ~first;
#pragma GCC ivdep
  for (int lane = 0; lane < kLanes; ++lane) {
    const Bits chosen = (second & (1u << lane)) != 0 ? b[lane] : a[lane];
    dst[lane] = (lanes & (1u << lane)) != 0 ? chosen : dst[lane];
  }
  warp.set_poison(instruction.dst, lanes, poisoned);
}

template <class Bits>
Outcome select_by_predicate(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  select_lanes<Bits>(warp, instruction, lanes, warp.predicate(instruction.src[2]),
                     warp.poison(instruction.src[2]));
  return Outcome::kNext;
}

// slct chooses a where c >= 0; a NaN chooses b, -0 chooses a.
struct NotNegative {
  template <class T>
  bool operator()(T c) const {
    return c >= 0;
  }
};

struct NotNegativeFlushed {
  bool operator()(float c) const { return flush<true>(c) >= 0; }
};

template <class Bits, class Op, class C>
Outcome select_by_sign(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const auto* c = warp.value<typename C::Register>(instruction.src[2]);
  select_lanes<Bits>(warp, instruction, lanes, lanes_where<Op, C>(c),
                     warp.poison(instruction.src[2]));
  return Outcome::kNext;
}

Instruction decode_selp(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  if (type.lanes != 1 || type.bits < 16 || type.kind == Kind::kPredicate) {
    decoder.fail("expected a type of 16, 32 or 64 bits");
  }
  Instruction instruction = decode_lanewise(
      decoder, source,
      type.bits == 64 ? &select_by_predicate<std::uint64_t> : &select_by_predicate<std::uint32_t>,
      InstructionClass::kMove, {type, type, kPredicateType});
  instruction.own_poison = true;
  return instruction;
}

template <class Bits>
Handler sign_handler(ptx::Type chooser, bool ftz) {
  if (chooser.kind == Kind::kSigned && chooser.bits == 32 && !ftz) {
    return &select_by_sign<Bits, NotNegative, S32>;
  }
  if (!is_float(chooser) || chooser.bits != 32) return nullptr;
  return ftz ? &select_by_sign<Bits, NotNegativeFlushed, F32>
             : &select_by_sign<Bits, NotNegative, F32>;
}

Instruction decode_slct(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const bool ftz = modifiers.take("ftz");
  const ptx::Type type = modifiers.need_type();
  const ptx::Type chooser = modifiers.need_type();
  if (type.lanes != 1 || type.bits < 16) decoder.fail("expected a type of 16, 32 or 64 bits");
  Instruction instruction =
      decode_lanewise(decoder, source,
                      type.bits == 64 ? sign_handler<std::uint64_t>(chooser, ftz)
                                      : sign_handler<std::uint32_t>(chooser, ftz),
                      InstructionClass::kMove, {type, type, chooser});
  instruction.own_poison = true;
  return instruction;
}

}  // namespace

void add_select_opcodes(OpcodeTable& table) {
  table["selp"] = decode_selp;
  table["slct"] = decode_slct;
}

}  // namespace moe::simt
