// The bookkeeping of a warpgroup: who has issued, committed and waited for what.
#include "harness/simt/execute/wgmma_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/simt/machine/launch.h"

namespace moe::simt {

void require_warpgroup(Warp& warp, const Instruction& instruction) {
  const std::size_t end = (warp.index / kWarpsOfGroup + 1) * kWarpsOfGroup;
  if (warp.block.warps.size() >= end) return;
  warp.block.fault(Check::kDivergence, warp.first_thread(), instruction,
                   fmt::format("a warpgroup is four warps from a multiple of four; warp {} of a "
                               "block of {} warps is in none",
                               warp.index, warp.block.warps.size()));
}

void Warpgroup::join(Warp& warp, const Instruction& instruction, const WgmmaOperation& wanted) {
  const int index = warp.index % kWarpsOfGroup;
  const std::uint64_t number = members_[index].issued++;
  if (number == first_ + operations_.size()) {
    operations_.push_back(std::make_unique<WgmmaOperation>(wanted));
  }
  WgmmaOperation& op = operation(number);
  if (op.at != wanted.at) {
    warp.block.fault(Check::kDivergence, warp.first_thread(), instruction,
                     fmt::format("the warps of a warpgroup execute different wgmma.mma_async: here "
                                 "PTX line {}, another warp line {}",
                                 instruction.source->place.line, op.at->source->place.line));
  }
  if (op.a_descriptor != wanted.a_descriptor || op.b_descriptor != wanted.b_descriptor ||
      op.adds != wanted.adds) {
    warp.block.fault(
        Check::kDivergence, warp.first_thread(), instruction,
        fmt::format("the warps of a warpgroup bring different arguments: descriptors {:#x}, {:#x}, "
                    "scale-d {}; another warp {:#x}, {:#x}, {}",
                    wanted.a_descriptor, wanted.b_descriptor, wanted.adds, op.a_descriptor,
                    op.b_descriptor, op.adds));
  }
  op.warps[index] = &warp;
  op.agents[index] = warp.block.start_async(warp.first_thread());
  if (std::count(op.warps.begin(), op.warps.end(), nullptr) != 0) return;

  started_ = number + 1;
  Counters& counters = warp.block.launch.counters;
  counters.wgmma += 1;
  counters.multiply_adds +=
      std::uint64_t{kWarpsOfGroup} * kWarpRows * op.form().columns * op.form().depth;
  Block& block = warp.block;
  block.queue(instruction, [this, &block, number] { carry_out(block, number + 1); });
  block.wake(key());
}

void Warpgroup::carry_out(Block& block, std::uint64_t count) {
  for (; done_ < count; ++done_) simt::carry_out(block, operation(done_));
}

void Warpgroup::commit(int warp_in_group) {
  Member& member = members_[warp_in_group];
  member.groups.push_back(member.issued);
}

bool Warpgroup::wait(Warp& warp, std::uint64_t pending) {
  const int index = warp.index % kWarpsOfGroup;
  Member& member = members_[index];
  if (member.groups.size() <= pending) return true;
  const std::uint64_t count = member.groups[member.groups.size() - pending - 1];
  if (count > started_) {
    warp.block.sleep_on(warp, key());
    return false;
  }
  carry_out(warp.block, count);
  SnapshotRef end;
  for (; member.waited < count; ++member.waited) {
    const WgmmaOperation& op = operation(member.waited);
    end = simt::join(end, op.end);
    guards[index].release(op.form());
  }
  for (int lane = 0; end && lane < kLanes; ++lane) {
    if (!has_lane(warp.exited, lane)) warp.block.acquire(warp.first_thread() + lane, end);
  }
  member.groups.erase(member.groups.begin(), member.groups.end() - pending);
  forget_waited();
  return true;
}

void Warpgroup::forget_waited() {
  std::uint64_t waited = members_[0].waited;
  for (const Member& member : members_) waited = std::min(waited, member.waited);
  for (; first_ < waited; ++first_) operations_.pop_front();
}

void Warpgroup::note_setmaxnreg(Warp& warp, const Instruction& instruction) {
  const std::size_t number = members_[warp.index % kWarpsOfGroup].setmaxnreg++;
  if (number == setmaxnreg_.size()) setmaxnreg_.push_back(&instruction);
  if (setmaxnreg_[number] == &instruction) return;
  warp.block.report(
      Check::kDivergence, warp.first_thread(), instruction,
      fmt::format("the warps of a warpgroup execute different setmaxnreg: here PTX "
                  "line {}, another warp line {}",
                  instruction.source->place.line, setmaxnreg_[number]->source->place.line));
}

}  // namespace moe::simt
