// wgmma.fence, .commit_group and .wait_group, and setmaxnreg. Each waits for the 32 lanes of its
// warp, not for the other warps of the warpgroup.
#include <fmt/format.h>

#include "harness/simt/execute/mma_collective.h"
#include "harness/simt/execute/wgmma.h"
#include "harness/simt/execute/wgmma_state.h"

namespace moe::simt {

Outcome run_wgmma_fence(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  if (!collect_warp(warp, instruction, lanes)) return Outcome::kBlocked;
  require_warpgroup(warp, instruction);
  wgmma_guard(warp).fence();
  return Outcome::kNext;
}

Outcome run_wgmma_commit(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  if (!collect_warp(warp, instruction, lanes)) return Outcome::kBlocked;
  require_warpgroup(warp, instruction);
  warp.block.part<WarpgroupStates>().of(warp).commit(warp.index % kWarpsOfGroup);
  return Outcome::kNext;
}

Outcome run_wgmma_wait(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  if (!collect_warp(warp, instruction, lanes)) return Outcome::kBlocked;
  require_warpgroup(warp, instruction);
  Warpgroup& group = warp.block.part<WarpgroupStates>().of(warp);
  return group.wait(warp, static_cast<std::uint64_t>(instruction.immediate)) ? Outcome::kNext
                                                                             : Outcome::kBlocked;
}

// Registers are not rationed here: only the form, and that the warpgroup agrees, are checked.
Outcome run_setmaxnreg(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  if (!collect_warp(warp, instruction, lanes)) return Outcome::kBlocked;
  require_warpgroup(warp, instruction);
  warp.block.part<WarpgroupStates>().of(warp).note_setmaxnreg(warp, instruction);
  return Outcome::kNext;
}

Instruction decode_setmaxnreg(Decoder& decoder, const ptx::Instruction& source,
                              Modifiers& modifiers) {
  if (modifiers.take_one_of({"inc", "dec"}) < 0) decoder.fail("setmaxnreg needs .inc or .dec");
  take_sync_aligned(decoder, modifiers);
  if (!modifiers.take("u32")) decoder.fail("setmaxnreg needs .u32");
  if (source.operands.size() != 1 || source.operands[0].kind != ptx::Operand::Kind::kImmediate) {
    decoder.fail("setmaxnreg needs one immediate: the registers of a thread");
  }
  const auto registers = static_cast<std::int64_t>(source.operands[0].bits);
  if (registers < 24 || registers > 256 || registers % 8 != 0) {
    decoder.fail(fmt::format("setmaxnreg takes 24 to 256 in steps of 8, not {}", registers));
  }
  Instruction instruction;
  instruction.handler = run_setmaxnreg;
  instruction.splits = true;
  instruction.immediate = registers;
  return instruction;
}

}  // namespace moe::simt
