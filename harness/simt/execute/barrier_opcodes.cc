// bar and barrier: the block's named barriers; their warp and cluster forms belong to other files.
#include <fmt/format.h>

#include "harness/simt/execute/cluster.h"
#include "harness/simt/execute/collective.h"
#include "harness/simt/execute/warp_barrier.h"
#include "harness/simt/machine/barriers.h"
#include "harness/simt/machine/decoder.h"

namespace moe::simt {
namespace {

struct BarrierForm : Extra {
  bool aligned = true;
  bool waits = true;
  bool has_count = false;
  BarrierReduction reduction = BarrierReduction::kNone;
};

// src: barrier id, thread count, vote predicate.
Outcome run_barrier(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const auto& form = instruction.as<BarrierForm>();
  if (form.aligned && !collect(warp, instruction, lanes, kAllLanes)) return Outcome::kBlocked;
  const int lane = std::countr_zero(lanes);
  const int id = static_cast<int>(warp.value<std::uint32_t>(instruction.src[0])[lane]);
  const int count =
      form.has_count ? static_cast<int>(warp.value<std::uint32_t>(instruction.src[1])[lane]) : 0;
  const LaneMask votes =
      form.reduction == BarrierReduction::kNone ? 0 : warp.predicate(instruction.src[2]);
  warp.block.part<Barriers>().arrive(warp, instruction, lanes, id, count, form.waits,
                                     form.reduction, votes);
  if (!form.waits) return Outcome::kNext;
  return warp.running->blocked ? Outcome::kBlocked : Outcome::kJumped;
}

Instruction decode_block_barrier(Decoder& decoder, const ptx::Instruction& source,
                                 Modifiers& modifiers, bool aligned_by_name) {
  modifiers.take("cta");
  auto form = std::make_shared<BarrierForm>();
  form->aligned = modifiers.take("aligned") || aligned_by_name;
  const bool arrives = modifiers.take("arrive");
  const bool reduces = modifiers.take("red");
  if (!arrives && !reduces && !modifiers.take("sync"))
    decoder.fail("sync, arrive or red is missing");
  form->waits = !arrives;
  const std::vector<ptx::Operand>& operands = source.operands;
  std::size_t next = 0;
  Instruction instruction;
  if (reduces) {
    const int which = modifiers.take_one_of({"and", "or", "popc"});
    if (which < 0) decoder.fail("and, or or popc is missing");
    form->reduction = which == 0   ? BarrierReduction::kAnd
                      : which == 1 ? BarrierReduction::kOr
                                   : BarrierReduction::kCount;
    modifiers.need_type();
    instruction.dst = decoder.destination(operands.at(next++));
    instruction.option = static_cast<std::uint32_t>(form->reduction);
    instruction.src[2] = decoder.source(operands.back(), ptx::parse_type("pred"));
  }
  const ptx::Type u32 = ptx::parse_type("u32");
  const std::size_t numbers = operands.size() - next - (reduces ? 1 : 0);
  if (numbers < 1 || numbers > 2)
    decoder.fail("a barrier and at most one thread count were expected");
  instruction.src[0] = decoder.source(operands[next], u32);
  form->has_count = numbers == 2;
  if (form->has_count) instruction.src[1] = decoder.source(operands[next + 1], u32);
  if (arrives && !form->has_count) decoder.fail("arrive needs a thread count");
  instruction.handler = run_barrier;
  instruction.splits = true;
  instruction.own_poison = true;
  instruction.kind = InstructionClass::kBarrier;
  instruction.extra = std::move(form);
  return instruction;
}

Outcome run_warp_barrier(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  return warp_barrier(warp, instruction, lanes);
}

Instruction decode_warp_barrier(Decoder& decoder, const ptx::Instruction& source,
                                Modifiers& modifiers) {
  if (!modifiers.take("sync") || source.operands.size() != 1) {
    decoder.fail("bar.warp.sync takes a member mask");
  }
  Instruction instruction;
  instruction.src[0] = decoder.source(source.operands[0], ptx::parse_type("u32"));
  instruction.handler = run_warp_barrier;
  instruction.splits = true;
  instruction.own_poison = true;
  instruction.kind = InstructionClass::kBarrier;
  return instruction;
}

}  // namespace

void add_barrier_opcodes(OpcodeTable& table) {
  const auto decode = [](bool aligned) {
    return [aligned](Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
      if (modifiers.take("warp")) return decode_warp_barrier(decoder, source, modifiers);
      if (modifiers.take("cluster")) return decode_cluster_barrier(decoder, source, modifiers);
      return decode_block_barrier(decoder, source, modifiers, aligned);
    };
  };
  table["bar"] = decode(true);
  table["barrier"] = decode(false);
}

}  // namespace moe::simt
