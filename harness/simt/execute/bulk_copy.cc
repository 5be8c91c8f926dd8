// cp.async.bulk and cp.reduce.async.bulk of contiguous bytes.
#include "harness/simt/execute/bulk_copy.h"

#include <fmt/format.h>

#include "harness/simt/execute/bulk_copy_groups.h"
#include "harness/simt/execute/cp_async_address.h"
#include "harness/simt/execute/memory_modifiers.h"

namespace moe::simt {
namespace {

constexpr std::uint32_t kGrain = 16;  // sizes and addresses are multiples of it

struct BulkForm : Extra {
  BulkWay way;
  AddressOperand to, from, mbarrier;
  Reg bytes = kNoReg;
  Reg mask = kNoReg;  // of .multicast::cluster
  BulkReduction reduction;
};

std::uint32_t destination_address(Warp& warp, const Instruction& at, const BulkForm& form,
                                  int lane) {
  return form.way.own_destination ? own_shared_address(warp, at, form.to, lane)
                                  : shared_address(warp, at, form.to, lane);
}

// Pieces short enough that a random completion can leave a copy half done.
void add_pieces(BulkTransfer& transfer, const Located& to, const Located& from,
                std::uint32_t bytes) {
  constexpr std::uint32_t kPiece = 512;
  for (std::uint32_t at = 0; at < bytes; at += kPiece) {
    transfer.add(to, at, from, at, std::min(kPiece, bytes - at));
  }
}

void start_store(Warp& warp, const Instruction& at, const BulkForm& form, int lane,
                 std::uint32_t bytes) {
  const int thread = warp.first_thread() + lane;
  auto transfer = std::make_shared<BulkTransfer>(warp.block, thread, at, form.reduction, true);
  const Located from = transfer->source(own_shared_address(warp, at, form.from, lane),
                                        ptx::Space::kShared, bytes, kGrain);
  const Located to =
      transfer->destination(lane_address(warp, form.to, lane), form.to.space, bytes, kGrain);
  add_pieces(*transfer, to, from, bytes);
  warp.block.part<BulkGroups>().add(thread, transfer);
  transfer->start_for_group();
}

// Whose shared memory an address names: an mbarrier must lie beside the data.
Block& owner_of(Warp& warp, std::uint32_t address) {
  std::uint32_t offset = 0;
  return warp.block.block_of(address, &offset);
}

void start_load(Warp& warp, const Instruction& at, const BulkForm& form, int lane,
                std::uint32_t bytes) {
  const int thread = warp.first_thread() + lane;
  auto transfer = std::make_shared<BulkTransfer>(warp.block, thread, at, form.reduction, false);
  const bool from_shared = form.way.direction == BulkDirection::kSharedToShared;
  const Located from = from_shared ? transfer->source(own_shared_address(warp, at, form.from, lane),
                                                      ptx::Space::kShared, bytes, kGrain)
                                   : transfer->source(lane_address(warp, form.from, lane),
                                                      form.from.space, bytes, kGrain);
  const std::uint32_t to = destination_address(warp, at, form, lane);
  const std::uint32_t mbarrier = shared_address(warp, at, form.mbarrier, lane);
  std::vector<std::uint32_t> destinations = {to}, mbarriers = {mbarrier};
  if (form.mask != kNoReg) {
    const std::uint32_t mask = warp.value<std::uint32_t>(form.mask)[lane] & 0xffff;
    destinations = multicast_addresses(warp, at, lane, to, mask);
    mbarriers = multicast_addresses(warp, at, lane, mbarrier, mask);
  } else if (&owner_of(warp, to) != &owner_of(warp, mbarrier)) {
    warp.block.fault(
        Check::kBadArgument, thread, at,
        "the mbarrier does not lie in the same block's shared memory as the destination");
  }
  for (const std::uint32_t destination : destinations) {
    const Located located = transfer->destination(destination, ptx::Space::kShared, bytes, kGrain);
    add_pieces(*transfer, located, from, bytes);
  }
  transfer->start_for_mbarriers(std::move(mbarriers), bytes);
}

Outcome run_copy(Warp& warp, const Instruction& at, LaneMask lanes) {
  const auto& form = at.as<BulkForm>();
  need_defined(warp, at, lanes, form.to.base, "the destination address of a bulk copy");
  need_defined(warp, at, lanes, form.from.base, "the source address of a bulk copy");
  need_defined(warp, at, lanes, form.bytes, "the size of a bulk copy");
  for_each_lane(lanes, [&](int lane) {
    const std::uint32_t bytes = warp.value<std::uint32_t>(form.bytes)[lane];
    if (bytes % kGrain != 0) {
      warp.block.fault(Check::kBadArgument, warp.first_thread() + lane, at,
                       fmt::format("a bulk copy of {} bytes: not a multiple of 16", bytes));
    }
    if (form.way.direction == BulkDirection::kSharedToGlobal) {
      start_store(warp, at, form, lane, bytes);
    } else {
      start_load(warp, at, form, lane, bytes);
    }
  });
  return Outcome::kNext;
}

BulkReduction need_reduction(Decoder& decoder, Modifiers& modifiers, BulkDirection direction) {
  const AtomicName name = take_reduction(decoder, modifiers);
  const ptx::Type type = modifiers.need_type();
  const bool is_float =
      type.kind == ptx::Type::Kind::kFloat || type.kind == ptx::Type::Kind::kBfloat;
  const std::optional<BulkReduction> reduction = bulk_reduction(name, type);
  if (!reduction || (is_float && direction != BulkDirection::kSharedToGlobal)) {
    decoder.fail("a bulk reduction that does not exist");
  }
  return *reduction;
}

}  // namespace

Instruction decode_bulk_copy(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                             bool reduces) {
  auto form = std::make_shared<BulkForm>();
  form->way = take_way(decoder, modifiers);
  const BulkDirection direction = form->way.direction;
  if (reduces) {
    if (direction == BulkDirection::kGlobalToShared) decoder.fail("no reduction goes that way");
    form->reduction = need_reduction(decoder, modifiers, direction);
  }
  const bool multicast = modifiers.take("multicast::cluster");
  const bool hint = take_cache_hints(modifiers, false);
  const bool loads = direction != BulkDirection::kSharedToGlobal;
  if (multicast && direction != BulkDirection::kGlobalToShared) {
    decoder.fail("only copies from global memory are multicast");
  }
  const std::vector<ptx::Operand>& operands = source.operands;
  const std::size_t expected = (loads ? 4u : 3u) + (multicast ? 1 : 0) + (hint ? 1 : 0);
  if (operands.size() != expected) {
    decoder.fail(fmt::format("{} operands where {} were expected", operands.size(), expected));
  }
  using ptx::Space;
  form->to = address_operand(decoder, operands[0], loads ? Space::kShared : Space::kGlobal);
  form->from = address_operand(
      decoder, operands[1],
      direction == BulkDirection::kGlobalToShared ? Space::kGlobal : Space::kShared);
  form->bytes = decoder.source(operands[2], ptx::parse_type("u32"));
  if (loads) form->mbarrier = address_operand(decoder, operands[3], Space::kShared);
  if (multicast) form->mask = decoder.source(operands[4], ptx::parse_type("u16"));
  Instruction instruction;
  instruction.handler = run_copy;
  instruction.kind = InstructionClass::kAsyncCopy;
  instruction.src[0] = form->to.base;
  instruction.src[1] = form->from.base;
  instruction.src[2] = form->bytes;
  instruction.extra = std::move(form);
  return instruction;
}

}  // namespace moe::simt
