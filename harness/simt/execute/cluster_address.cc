// mapa and getctarank: shared addresses of other blocks of the cluster.
// Source: PTX ISA 9.0, "mapa", "getctarank".
#include <fmt/format.h>

#include "harness/simt/execute/cluster.h"
#include "harness/simt/execute/cp_async_address.h"
#include "harness/simt/machine/cluster.h"

namespace moe::simt {
namespace {

constexpr std::uint32_t kGeneric = 1;  // option: the address is generic
constexpr std::uint32_t kWide = 2;     // its register has 64 bits

std::uint64_t value_of(Warp& warp, Reg reg, bool wide, int lane) {
  return wide ? warp.value<std::uint64_t>(reg)[lane] : warp.value<std::uint32_t>(reg)[lane];
}

std::uint32_t checked(Warp& warp, const Instruction& at, std::uint64_t address, int lane) {
  if ((at.option & kGeneric) && address >> 32 != kSharedWindow >> 32) {
    warp.block.fault(Check::kBadArgument, warp.first_thread() + lane, at,
                     fmt::format("the address {:#x} does not lie in shared memory", address));
  }
  return static_cast<std::uint32_t>(address);
}

Outcome run_mapa(Warp& warp, const Instruction& at, LaneMask lanes) {
  const auto& blocks = warp.block.cluster.blocks;
  const bool wide = (at.option & kWide) != 0;
  for_each_lane(lanes, [&](int lane) {
    const std::uint32_t address = checked(warp, at, value_of(warp, at.src[0], wide, lane), lane);
    const std::uint32_t rank = warp.value<std::uint32_t>(at.src[1])[lane];
    if (rank >= blocks.size()) {
      warp.block.fault(Check::kBadArgument, warp.first_thread() + lane, at,
                       fmt::format("block {} of a cluster of {}", rank, blocks.size()));
    }
    const std::uint64_t window = at.option & kGeneric ? kSharedWindow : 0;
    const std::uint64_t mapped = window | with_rank(*blocks[rank], address);
    if (wide) {
      warp.value<std::uint64_t>(at.dst)[lane] = mapped;
    } else {
      warp.value<std::uint32_t>(at.dst)[lane] = static_cast<std::uint32_t>(mapped);
    }
  });
  return Outcome::kNext;
}

Outcome run_getctarank(Warp& warp, const Instruction& at, LaneMask lanes) {
  const bool wide = (at.option & kWide) != 0;
  std::uint32_t* ranks = warp.value<std::uint32_t>(at.dst);
  for_each_lane(lanes, [&](int lane) {
    const std::uint32_t address = checked(warp, at, value_of(warp, at.src[0], wide, lane), lane);
    const std::uint32_t tag = address >> kSharedOffsetBits;
    ranks[lane] = tag == 0 ? warp.block.rank : tag - 1;
  });
  return Outcome::kNext;
}

Instruction decode(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                   Handler handler, std::size_t operands) {
  Instruction instruction;
  const bool shared = modifiers.take("shared::cluster");
  const ptx::Type type = modifiers.need_type();
  const bool wide = type.bits == 64;
  if (type.kind != ptx::Type::Kind::kUnsigned || (!wide && type.bits != 32)) {
    decoder.fail("the address is .u32 or .u64");
  }
  if (!shared && !wide) decoder.fail("a generic address has 64 bits");
  if (source.operands.size() != operands) decoder.fail("a wrong number of operands");
  instruction.src[0] = decoder.source(source.operands[1], type);
  if (operands == 3) {
    instruction.src[1] = decoder.source(source.operands[2], ptx::parse_type("u32"));
  }
  instruction.dst = decoder.destination(source.operands[0]);
  instruction.option = (shared ? 0 : kGeneric) | (wide ? kWide : 0);
  instruction.handler = handler;
  instruction.kind = InstructionClass::kMove;
  return instruction;
}

}  // namespace

void add_cluster_address_opcodes(OpcodeTable& table) {
  table["mapa"] = [](Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
    return decode(decoder, source, modifiers, run_mapa, 3);
  };
  table["getctarank"] = [](Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
    return decode(decoder, source, modifiers, run_getctarank, 2);
  };
}

}  // namespace moe::simt
