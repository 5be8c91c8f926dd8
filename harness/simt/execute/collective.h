// Instructions that lanes of a warp execute together.
#pragma once
#include "harness/simt/machine/warp.h"

namespace moe::simt {

// For a handler with `splits` set. True when every lane of `members` that has not exited is in the
// running fragment: execute for all of `lanes`. False when some are still elsewhere: the fragment
// has been put to sleep until they arrive (return Outcome::kBlocked; the handler is called again
// with all of them). A lane that executes a collective whose `members` do not name it is a fault; a
// lane that never arrives is found when nothing else can run.
bool collect(Warp& warp, const Instruction& instruction, LaneMask lanes, LaneMask members);

// The same where each lane brings its own 32-bit member mask (register `members`): lanes with equal
// masks form groups, and `execute(group)` is called for each complete one. Incomplete groups are
// split off and sleep. Returns what the handler returns.
template <class Execute>
Outcome for_each_group(Warp& warp, const Instruction& instruction, LaneMask lanes, Reg members,
                       Execute&& execute);

// Splits `lanes` off the running fragment: they stay at its program counter, asleep.
void leave_waiting(Warp& warp, LaneMask lanes);

template <class Execute>
Outcome for_each_group(Warp& warp, const Instruction& instruction, LaneMask lanes, Reg members,
                       Execute&& execute) {
  const std::uint32_t* masks = warp.value<std::uint32_t>(members);
  LaneMask waiting = 0;
  for (LaneMask rest = lanes; rest != 0;) {
    const LaneMask mask = masks[std::countr_zero(rest)];
    LaneMask group = 0;
    for_each_lane(rest, [&](int lane) { group |= masks[lane] == mask ? 1u << lane : 0u; });
    rest &= ~group;
    if (group == lanes) {  // the usual case: one mask for all
      if (!collect(warp, instruction, group, mask)) return Outcome::kBlocked;
      execute(group);
      return Outcome::kNext;
    }
    if ((mask & ~warp.exited & ~group) == 0) {
      execute(group);
    } else {
      waiting |= group;
    }
  }
  if (waiting == lanes) {
    warp.running->blocked = true;
    return Outcome::kBlocked;
  }
  if (waiting != 0) leave_waiting(warp, waiting);
  return Outcome::kNext;
}

}  // namespace moe::simt
