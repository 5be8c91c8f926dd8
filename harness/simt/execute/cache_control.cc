// prefetch, prefetchu, applypriority, discard, createpolicy.
#include "harness/simt/execute/cache_control.h"

#include <fmt/format.h>

#include "harness/simt/machine/warp.h"

namespace moe::simt {
namespace {

using Kind = ptx::Operand::Kind;

constexpr ptx::Type kBits32{ptx::Type::Kind::kBits, 32};
constexpr ptx::Type kBits64{ptx::Type::Kind::kBits, 64};
constexpr std::uint64_t kPolicy = 0x12f0000000000000;  // any value but 0

Outcome run_nothing(Warp&, const Instruction&, LaneMask) { return Outcome::kNext; }

Outcome run_createpolicy(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  std::uint64_t* policy = warp.value<std::uint64_t>(instruction.dst);
  for_each_lane(lanes, [&](int lane) { policy[lane] = kPolicy; });
  warp.set_poison(instruction.dst, lanes, 0);
  return Outcome::kNext;
}

Instruction nothing() {
  Instruction instruction;
  instruction.handler = run_nothing;
  instruction.kind = InstructionClass::kOther;
  instruction.own_poison = true;
  return instruction;
}

void need_operands(Decoder& decoder, const ptx::Instruction& source, std::size_t count) {
  if (source.operands.size() != count) {
    decoder.fail(fmt::format("{} operands, {} are needed", source.operands.size(), count));
  }
}

void need_global(Decoder& decoder, ptx::Space space) {
  if (space != ptx::Space::kGlobal && space != ptx::Space::kGeneric) {
    decoder.fail("for global memory only");
  }
}

// [a], 128
Instruction decode_line(Decoder& decoder, const ptx::Instruction& source) {
  need_operands(decoder, source, 2);
  decoder.address(source.operands[0]);
  if (source.operands[1].kind != Kind::kImmediate || source.operands[1].bits != 128) {
    decoder.fail("the size must be 128");
  }
  return nothing();
}

}  // namespace

Instruction decode_prefetch(Decoder& decoder, const ptx::Instruction& source,
                            Modifiers& modifiers) {
  const ptx::Space space = Decoder::take_space(modifiers);
  need_operands(decoder, source, 1);
  decoder.address(source.operands[0]);
  if (modifiers.take("tensormap")) {
    if (space != ptx::Space::kGeneric && space != ptx::Space::kConst &&
        space != ptx::Space::kParam) {
      decoder.fail("tensor maps are prefetched from .const and .param");
    }
    return nothing();
  }
  if (space != ptx::Space::kLocal) need_global(decoder, space);
  if (modifiers.take_one_of({"L1", "L2", "L2::evict_last", "L2::evict_normal"}) < 0) {
    decoder.fail("a cache level is needed: .L1 or .L2");
  }
  return nothing();
}

Instruction decode_prefetchu(Decoder& decoder, const ptx::Instruction& source,
                             Modifiers& modifiers) {
  need_operands(decoder, source, 1);
  decoder.address(source.operands[0]);
  if (!modifiers.take("L1")) decoder.fail("prefetchu needs .L1");
  return nothing();
}

Instruction decode_applypriority(Decoder& decoder, const ptx::Instruction& source,
                                 Modifiers& modifiers) {
  need_global(decoder, Decoder::take_space(modifiers));
  if (!modifiers.take("L2::evict_normal")) decoder.fail("applypriority needs .L2::evict_normal");
  return decode_line(decoder, source);
}

Instruction decode_discard(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  need_global(decoder, Decoder::take_space(modifiers));
  if (!modifiers.take("L2")) decoder.fail("discard needs .L2");
  return decode_line(decoder, source);
}

Instruction decode_createpolicy(Decoder& decoder, const ptx::Instruction& source,
                                Modifiers& modifiers) {
  const int form = modifiers.take_one_of({"fractional", "range", "cvt"});
  if (form == 2) {
    if (!modifiers.take("L2")) decoder.fail("createpolicy.cvt needs .L2");
    need_operands(decoder, source, 2);
    decoder.source(source.operands[1], kBits64);
  } else if (form >= 0) {
    const auto take_priority = [&] {
      return modifiers.take_one_of(
          {"L2::evict_last", "L2::evict_normal", "L2::evict_first", "L2::evict_unchanged"});
    };
    if (take_priority() < 0) decoder.fail("createpolicy needs a priority");
    take_priority();  // the second one, for the rest of the lines
    if (form == 0) {
      if (source.operands.size() != 1) need_operands(decoder, source, 2);
    } else {
      need_global(decoder, Decoder::take_space(modifiers));
      need_operands(decoder, source, 4);
      decoder.address(source.operands[1]);
      decoder.source(source.operands[2], kBits32);
      decoder.source(source.operands[3], kBits32);
    }
  } else {
    decoder.fail("createpolicy needs .fractional, .range or .cvt");
  }
  if (!modifiers.take("b64")) decoder.fail("createpolicy makes a .b64");
  Instruction instruction;
  instruction.handler = run_createpolicy;
  instruction.kind = InstructionClass::kOther;
  instruction.own_poison = true;
  instruction.dst = decoder.destination(source.operands[0]);
  return instruction;
}

}  // namespace moe::simt
