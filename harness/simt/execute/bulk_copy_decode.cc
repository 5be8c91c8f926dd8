// What the bulk copies have in common: directions, reductions, multicast, groups; and the opcode
// cp.
#include <fmt/format.h>

#include <algorithm>

#include "harness/simt/execute/bulk_copy.h"
#include "harness/simt/execute/bulk_copy_groups.h"
#include "harness/simt/execute/cp_async.h"
#include "harness/simt/execute/cp_async_address.h"
#include "harness/simt/execute/memory_modifiers.h"
#include "harness/simt/machine/cluster.h"

namespace moe::simt {
namespace {

// The next space in order of writing; empty if there is none.
std::string take_space_word(Modifiers& modifiers) {
  for (const std::string& word : modifiers.words()) {
    if (word == "global" || word.starts_with("shared")) {
      std::string taken = word;
      modifiers.take(taken);
      return taken;
    }
  }
  return {};
}

Instruction finish(Handler handler) {
  Instruction instruction;
  instruction.handler = handler;
  instruction.kind = InstructionClass::kAsyncCopy;
  return instruction;
}

Outcome run_nothing(Warp&, const Instruction&, LaneMask) { return Outcome::kNext; }

Outcome run_commit(Warp& warp, const Instruction&, LaneMask lanes) {
  BulkGroups& groups = warp.block.part<BulkGroups>();
  for_each_lane(lanes, [&](int lane) { groups.commit(warp.first_thread() + lane); });
  return Outcome::kNext;
}

Outcome run_wait(Warp& warp, const Instruction& at, LaneMask lanes) {
  BulkGroups& groups = warp.block.part<BulkGroups>();
  const bool reading = at.option != 0;
  for_each_lane(lanes, [&](int lane) {
    groups.wait(warp.block, warp.first_thread() + lane, static_cast<std::size_t>(at.immediate),
                reading);
  });
  return Outcome::kNext;
}

// A prefetch moves nothing that a kernel can see, but its operands have rules.
Outcome run_prefetch(Warp& warp, const Instruction& at, LaneMask lanes) {
  for_each_lane(lanes, [&](int lane) {
    const std::uint64_t address = warp.value<std::uint64_t>(at.src[0])[lane] + at.immediate;
    const std::uint32_t bytes = warp.value<std::uint32_t>(at.src[1])[lane];
    if (address % 16 == 0 && bytes % 16 == 0) return;
    warp.block.fault(
        Check::kBadArgument, warp.first_thread() + lane, at,
        fmt::format("prefetches {} bytes at {:#x}: both must be multiples of 16", bytes, address));
  });
  return Outcome::kNext;
}

Instruction decode_bulk(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  if (modifiers.take("commit_group")) return decode_bulk_commit(decoder, source);
  if (modifiers.take("wait_group")) return decode_bulk_wait(decoder, source, modifiers);
  const bool prefetches = modifiers.take("prefetch");
  const bool tensor = modifiers.take("tensor");
  if (prefetches) {
    return tensor ? decode_tensor_prefetch(decoder, source, modifiers)
                  : decode_bulk_prefetch(decoder, source, modifiers);
  }
  return tensor ? decode_tensor_copy(decoder, source, modifiers, false)
                : decode_bulk_copy(decoder, source, modifiers, false);
}

Instruction decode_copy(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const bool reduces = modifiers.take("reduce");
  if (!modifiers.take("async")) decoder.fail("cp is known as cp.async and cp.reduce.async only");
  const bool bulk = modifiers.take("bulk");
  if (!reduces) {
    return bulk ? decode_bulk(decoder, source, modifiers)
                : decode_cp_async(decoder, source, modifiers);
  }
  if (!bulk) decoder.fail("cp.reduce.async.bulk was expected");
  return modifiers.take("tensor") ? decode_tensor_copy(decoder, source, modifiers, true)
                                  : decode_bulk_copy(decoder, source, modifiers, true);
}

}  // namespace

BulkWay take_way(Decoder& decoder, Modifiers& modifiers) {
  const std::string to = take_space_word(modifiers);
  const std::string from = take_space_word(modifiers);
  BulkWay way;
  if (to == "global" && from == "shared::cta") {
    way.direction = BulkDirection::kSharedToGlobal;
  } else if ((to == "shared::cluster" || to == "shared::cta") && from == "global") {
    way.direction = BulkDirection::kGlobalToShared;
  } else if (to == "shared::cluster" && from == "shared::cta") {
    way.direction = BulkDirection::kSharedToShared;
  } else {
    decoder.fail(fmt::format("a bulk copy from .{} to .{} is not known", from, to));
  }
  way.own_destination = to == "shared::cta";
  const bool group = way.direction == BulkDirection::kSharedToGlobal;
  if (!modifiers.take(group ? "bulk_group" : "mbarrier::complete_tx::bytes")) {
    decoder.fail(group ? ".bulk_group is missing" : ".mbarrier::complete_tx::bytes is missing");
  }
  return way;
}

AtomicName take_reduction(Decoder& decoder, Modifiers& modifiers) {
  modifiers.take("noftz");
  static constexpr AtomicName kNames[] = {AtomicName::kAdd, AtomicName::kMin, AtomicName::kMax,
                                          AtomicName::kInc, AtomicName::kDec, AtomicName::kAnd,
                                          AtomicName::kOr,  AtomicName::kXor};
  const int which = modifiers.take_one_of({"add", "min", "max", "inc", "dec", "and", "or", "xor"});
  if (which < 0) decoder.fail("a reduction is missing: .add, .min ...");
  return kNames[which];
}

std::optional<BulkReduction> bulk_reduction(AtomicName name, ptx::Type type) {
  if (type.lanes != 1) return std::nullopt;
  BulkReduction reduction;
  reduction.element_bytes = type.total_bits() / 8;
  const bool half = type.bits == 16;
  const bool is_f32 = type.kind == ptx::Type::Kind::kFloat && type.bits == 32;
  reduction.function = is_f32 && name == AtomicName::kAdd ? &atomics::add_f32_flushing
                                                          : atomic_function(name, type, half);
  if (reduction.function == nullptr) return std::nullopt;
  return reduction;
}

std::vector<std::uint32_t> multicast_addresses(Warp& warp, const Instruction& at, int lane,
                                               std::uint32_t address, std::uint32_t mask) {
  const auto& blocks = warp.block.cluster.blocks;
  if (mask == 0 || mask >> blocks.size() != 0) {
    warp.block.fault(
        Check::kBadArgument, warp.first_thread() + lane, at,
        fmt::format("the multicast mask {:#x} for a cluster of {} blocks", mask, blocks.size()));
  }
  std::vector<std::uint32_t> addresses;
  for (const std::unique_ptr<Block>& block : blocks) {
    if ((mask >> block->rank & 1u) != 0) addresses.push_back(with_rank(*block, address));
  }
  return addresses;
}

Instruction decode_bulk_commit(Decoder& decoder, const ptx::Instruction& source) {
  if (!source.operands.empty()) decoder.fail("commit_group takes no operands");
  return finish(run_commit);
}

Instruction decode_bulk_wait(Decoder& decoder, const ptx::Instruction& source,
                             Modifiers& modifiers) {
  if (source.operands.size() != 1 || source.operands[0].kind != ptx::Operand::Kind::kImmediate) {
    decoder.fail("wait_group takes a number");
  }
  Instruction instruction = finish(run_wait);
  instruction.option = modifiers.take("read") ? 1 : 0;
  instruction.immediate = static_cast<std::int64_t>(source.operands[0].bits);
  return instruction;
}

Instruction decode_bulk_prefetch(Decoder& decoder, const ptx::Instruction& source,
                                 Modifiers& modifiers) {
  const bool hint = take_cache_hints(modifiers, false);
  if (!modifiers.take("L2") || !modifiers.take("global") ||
      source.operands.size() != (hint ? 3u : 2u)) {
    decoder.fail("cp.async.bulk.prefetch.L2.global takes an address and a size");
  }
  const AddressOperand address = address_operand(decoder, source.operands[0], ptx::Space::kGlobal);
  if (address.narrow) return finish(run_nothing);  // of a variable, which is aligned
  Instruction instruction = finish(run_prefetch);
  instruction.src[0] = address.base;
  instruction.src[1] = decoder.source(source.operands[1], ptx::parse_type("u32"));
  instruction.immediate = address.offset;
  return instruction;
}

void add_copy_opcodes(OpcodeTable& table) { table["cp"] = decode_copy; }

}  // namespace moe::simt
