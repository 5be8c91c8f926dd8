// cp.async, cp.async.commit_group, wait_group, wait_all and mbarrier.arrive.
#include <fmt/format.h>

#include "harness/simt/execute/cp_async.h"
#include "harness/simt/execute/cp_async_address.h"
#include "harness/simt/execute/mbarrier.h"
#include "harness/simt/execute/memory_modifiers.h"
#include "harness/simt/machine/launch.h"

namespace moe::simt {
namespace {

struct CopyForm : Extra {
  AddressOperand to, from;
  std::uint32_t bytes = 0;
  bool has_size = false;    // src[2]: bytes to read
  bool may_ignore = false;  // src[2]: predicate; true: reads nothing, writes zeros
};

WarpCopies& copies_of(Warp& warp) { return warp.block.part<CopyStreams>().warps[warp.index]; }

std::uint32_t bytes_to_read(Warp& warp, const Instruction& at, const CopyForm& form, int lane) {
  if (form.may_ignore) return has_lane(warp.predicate(at.src[2]), lane) ? 0 : form.bytes;
  if (!form.has_size) return form.bytes;
  const std::uint32_t bytes = warp.value<std::uint32_t>(at.src[2])[lane];
  if (bytes > form.bytes) {
    warp.block.fault(Check::kBadArgument, warp.first_thread() + lane, at,
                     fmt::format("src-size {} is larger than cp-size {}", bytes, form.bytes));
  }
  return bytes;
}

// Checks and records the lane's accesses. They count as made now: whoever touches the bytes before
// the copy is known to be complete is found, whenever the copy takes place.
CopyBatch::LaneCopy start_copy(Warp& warp, const Instruction& at, const CopyForm& form, int lane,
                               Tick tick) {
  Block& block = warp.block;
  const int thread = warp.first_thread() + lane;
  CopyBatch::LaneCopy copy;
  copy.bytes = form.bytes;
  copy.from_bytes = bytes_to_read(warp, at, form, lane);
  copy.tick = tick;
  const AsyncAgent agent = block.copy_agent(thread, tick);
  if (copy.from_bytes > 0) {
    copy.from = block.locate(thread, lane_address(warp, form.from, lane), form.from.space,
                             copy.from_bytes, 1, AccessKind::kRead, at);
    if (reinterpret_cast<std::uintptr_t>(copy.from.data) % form.bytes != 0) {
      block.fault(Check::kMisaligned, thread, at,
                  fmt::format("the source {} is not a multiple of cp-size {}",
                              fmt::ptr(copy.from.data), form.bytes));
    }
    order_access(block, agent.view, copy.from, copy.from_bytes, AccessKind::kRead, false, at);
  }
  const std::uint32_t to = own_shared_address(warp, at, form.to, lane);
  copy.to =
      block.locate(thread, to, ptx::Space::kShared, form.bytes, form.bytes, AccessKind::kWrite, at);
  order_access(block, agent.view, copy.to, form.bytes, AccessKind::kWrite, false, at);
  return copy;
}

Outcome run_copy(Warp& warp, const Instruction& at, LaneMask lanes) {
  const auto& form = at.as<CopyForm>();
  need_defined(warp, at, lanes, form.to.base, "the destination address of cp.async");
  need_defined(warp, at, lanes, form.from.base, "the source address of cp.async");
  need_defined(warp, at, lanes, at.src[2], "the source size of cp.async");
  Block& block = warp.block;
  WarpCopies& streams = copies_of(warp);
  auto batch = std::make_unique<CopyBatch>();
  batch->lanes = lanes;
  const bool poisons = block.launch.settings.async != AsyncCompletion::kEarly;
  for_each_lane(lanes, [&](int lane) {
    batch->copies[lane] = start_copy(warp, at, form, lane, streams.open(lane));
    if (block.launch.settings.count) block.launch.counters.async_copy_bytes += form.bytes;
  });
  if (poisons) {
    for_each_lane(lanes, [&](int lane) {
      const CopyBatch::LaneCopy& copy = batch->copies[lane];
      block.poison(copy.to.shared_offset, ptx::Space::kShared, copy.bytes);
    });
  }
  streams.add(block, at, std::move(batch));
  return Outcome::kNext;
}

Outcome run_commit(Warp& warp, const Instruction&, LaneMask lanes) {
  WarpCopies& streams = copies_of(warp);
  for_each_lane(lanes, [&](int lane) { streams.commit(lane); });
  return Outcome::kNext;
}

void wait_until(Warp& warp, WarpCopies& streams, int lane, Tick tick) {
  streams.complete(warp.block, lane, tick);
  warp.block.wait_copies(warp.first_thread() + lane, tick);
}

Outcome run_wait_group(Warp& warp, const Instruction& at, LaneMask lanes) {
  WarpCopies& streams = copies_of(warp);
  const auto newest = static_cast<std::uint32_t>(at.immediate);
  for_each_lane(lanes, [&](int lane) {
    wait_until(warp, streams, lane, streams.tick_of_wait(lane, newest));
  });
  return Outcome::kNext;
}

// As commit_group and wait_group 0.
Outcome run_wait_all(Warp& warp, const Instruction&, LaneMask lanes) {
  WarpCopies& streams = copies_of(warp);
  for_each_lane(lanes, [&](int lane) { wait_until(warp, streams, lane, streams.commit(lane)); });
  return Outcome::kNext;
}

// What waiting for an mbarrier tells of a thread's copies: the copies, not what else the thread
// did.
SnapshotRef end_of_copies(Block& block, int thread, Tick tick) {
  const AsyncAgent agent = block.copy_agent(thread, tick);
  auto end = agent.held ? std::make_shared<Snapshot>(*agent.held) : std::make_shared<Snapshot>();
  end->block = agent.view.block;
  if (end->seen.size() <= agent.view.slot) end->seen.resize(agent.view.slot + 1);
  end->seen[agent.view.slot] = tick;
  return end;
}

struct ArrivalForm : Extra {
  AddressOperand address;
  bool increments = true;  // false: .noinc
};

Outcome run_arrive(Warp& warp, const Instruction& at, LaneMask lanes) {
  const auto& form = at.as<ArrivalForm>();
  need_defined(warp, at, lanes, form.address.base, "the address of an mbarrier");
  WarpCopies& streams = copies_of(warp);
  Block& block = warp.block;
  for_each_lane(lanes, [&](int lane) {
    const int thread = warp.first_thread() + lane;
    const std::uint32_t address = own_shared_address(warp, at, form.address, lane);
    MbarrierOperation barrier(block, thread, address, at);
    if (form.increments) barrier.add_pending();
    const Tick tick = streams.mark(lane);
    // The order of the arrival itself is that of the thread's instruction.
    const SnapshotRef end = end_of_copies(block, thread, tick);
    streams.when_done(lane, tick, [&block, &at, thread, address, end] {
      MbarrierOperation(block, thread, address, at).arrive(1, true, false, end);
    });
  });
  return Outcome::kNext;
}

Instruction finish(Handler handler) {
  Instruction instruction;
  instruction.handler = handler;
  instruction.kind = InstructionClass::kAsyncCopy;
  return instruction;
}

Instruction decode_arrive(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  if (!modifiers.take("arrive") || !modifiers.take("b64") || source.operands.size() != 1) {
    decoder.fail("cp.async.mbarrier.arrive.b64 takes an address");
  }
  auto form = std::make_shared<ArrivalForm>();
  form->increments = !modifiers.take("noinc");
  form->address = address_operand(decoder, source.operands[0], Decoder::take_space(modifiers));
  Instruction instruction = finish(run_arrive);
  instruction.src[0] = form->address.base;
  instruction.extra = std::move(form);
  return instruction;
}

std::int64_t immediate(Decoder& decoder, const ptx::Operand& operand) {
  if (operand.kind != ptx::Operand::Kind::kImmediate) decoder.fail("a number was expected");
  return static_cast<std::int64_t>(operand.bits);
}

Instruction decode_wait_group(Decoder& decoder, const ptx::Instruction& source) {
  if (source.operands.size() != 1) decoder.fail("wait_group takes a number");
  Instruction instruction = finish(run_wait_group);
  instruction.immediate = immediate(decoder, source.operands[0]);
  return instruction;
}

void take_spaces(Decoder& decoder, Modifiers& modifiers) {
  // In order of writing: destination, source.
  const std::vector<std::string>& words = modifiers.words();
  const bool to_shared = !words.empty() && words[0].starts_with("shared") &&
                         (modifiers.take("shared") || modifiers.take("shared::cta"));
  if (!to_shared || !modifiers.take("global")) {
    decoder.fail("cp.async copies from .global to .shared");
  }
}

Instruction decode_copy(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const int cache = modifiers.take_one_of({"ca", "cg"});
  if (cache < 0) decoder.fail(".ca or .cg is missing");
  take_spaces(decoder, modifiers);
  const bool hint = take_cache_hints(modifiers, true);
  const std::vector<ptx::Operand>& operands = source.operands;
  if (operands.size() < 3) decoder.fail("cp.async takes two addresses and a size");
  auto form = std::make_shared<CopyForm>();
  form->to = address_operand(decoder, operands[0], ptx::Space::kShared);
  form->from = address_operand(decoder, operands[1], ptx::Space::kGlobal);
  const std::int64_t bytes = immediate(decoder, operands[2]);
  if (bytes != 16 && (cache == 1 || (bytes != 4 && bytes != 8))) {
    decoder.fail("cp-size is 4, 8 or 16, and 16 with .cg");
  }
  form->bytes = static_cast<std::uint32_t>(bytes);
  Instruction instruction = finish(run_copy);
  const std::size_t behind = operands.size() - (hint ? 1 : 0);
  if (behind > 4 || (hint && operands.size() < 4)) decoder.fail("a wrong number of operands");
  if (behind == 4) {
    const bool is_predicate =
        decoder.is_register(operands[3]) && decoder.register_bits(operands[3]) == 0;
    form->may_ignore = is_predicate;
    form->has_size = !is_predicate;
    instruction.src[2] =
        decoder.source(operands[3], ptx::parse_type(is_predicate ? "pred" : "u32"));
  } else {
    instruction.src[2] = decoder.zero();
  }
  instruction.src[0] = form->to.base;
  instruction.src[1] = form->from.base;
  instruction.extra = std::move(form);
  return instruction;
}

}  // namespace

Instruction decode_cp_async(Decoder& decoder, const ptx::Instruction& source,
                            Modifiers& modifiers) {
  if (modifiers.take("mbarrier")) return decode_arrive(decoder, source, modifiers);
  if (modifiers.take("wait_group")) return decode_wait_group(decoder, source);
  if (modifiers.take("commit_group")) return finish(run_commit);
  if (modifiers.take("wait_all")) return finish(run_wait_all);
  return decode_copy(decoder, source, modifiers);
}

}  // namespace moe::simt
