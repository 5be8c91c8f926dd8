#include "harness/simt/machine/barriers.h"

#include <fmt/format.h>

#include <bit>

#include "harness/simt/machine/launch.h"

namespace moe::simt {

bool Barriers::arrive(Warp& warp, const Instruction& at, LaneMask lanes, int id, int expected,
                      bool waits, BarrierReduction reduction, LaneMask votes) {
  Block& block = warp.block;
  const int thread = warp.first_thread() + std::countr_zero(lanes);
  if (id < 0 || id >= kBarriers) {
    block.fault(Check::kBarrier, thread, at, fmt::format("barrier {}: a block has 0 to 15", id));
  }
  if (expected < 0 || expected % kLanes != 0 || expected > 1024) {
    block.fault(
        Check::kBarrier, thread, at,
        fmt::format("barrier {} for {} threads: not a multiple of 32 up to 1024", id, expected));
  }
  Barrier& barrier = barriers_[id];
  const std::uint32_t pc = block.pc_of(at);
  if (barrier.arrived == 0) {
    barrier = Barrier{};
    barrier.expected = expected;
    barrier.whole_block = expected == 0;
    barrier.first_pc = pc;
    barrier.lanes.assign(block.warps.size(), 0);
  } else if (barrier.expected != expected) {
    block.fault(
        Check::kBarrier, thread, at,
        fmt::format("barrier {} for {} threads, while others wait at it for {} (PTX line {})", id,
                    expected, barrier.expected,
                    block.launch.kernel.code[barrier.first_pc].source->place.line));
  }
  if (barrier.whole_block && pc != barrier.first_pc) {
    barrier.two_sites = true;
    barrier.second_pc = pc;
  }
  // Hardware counts whole warps: the lanes of a warp that have left count as arrived.
  const bool whole_warp = (lanes | warp.exited) == kAllLanes;
  barrier.arrived += barrier.whole_block || !whole_warp ? std::popcount(lanes) : kLanes;
  barrier.lanes[warp.index] |= lanes;
  if (reduction != BarrierReduction::kNone) {
    barrier.any = barrier.any || (votes & lanes) != 0;
    barrier.all = barrier.all && (votes & lanes) == lanes;
    barrier.count += std::popcount(votes & lanes);
  }
  if (waits) {
    barrier.waiters.push_back({warp.index, warp.running->pc, lanes});
    warp.running->blocked = true;
    warp.running->sleeping_on = 0;
    warp.running->waiting_for = 0;
  } else {
    block.launch.progress++;
    for_each_lane(lanes, [&](int lane) {
      barrier.left = join(barrier.left, block.release(warp.first_thread() + lane));
    });
    barrier.lanes[warp.index] &= ~lanes;
  }
  const bool complete = complete_if_full(block, id);
  return complete || !waits;
}

bool Barriers::complete_if_full(Block& block, int id) {
  Barrier& barrier = barriers_[id];
  const int needed = barrier.whole_block ? block.live_threads : barrier.expected;
  if (barrier.arrived == 0 || barrier.arrived < needed) return false;
  Launch& launch = block.launch;
  if (barrier.arrived > needed) {
    const Instruction& at = launch.kernel.code[barrier.first_pc];
    block.fault(Check::kBarrier, barrier.waiters.empty() ? 0 : barrier.waiters[0].warp * kLanes, at,
                fmt::format("{} threads arrived at barrier {}, which waits for {}", barrier.arrived,
                            id, needed));
  }
  if (barrier.two_sites) {
    block.report(
        Check::kBarrier, barrier.waiters.back().warp * kLanes,
        launch.kernel.code[barrier.second_pc],
        fmt::format("barrier {} of the whole block is passed by some threads here and by others "
                    "at PTX line {}",
                    id, launch.kernel.code[barrier.first_pc].source->place.line));
  }
  block.clocks.synchronise(barrier.lanes, barrier.left);
  for (const Waiter& waiter : barrier.waiters) {
    Warp& warp = *block.warps[waiter.warp];
    for (Fragment& fragment : warp.fragments) {
      if (!fragment.blocked || fragment.pc != waiter.pc || fragment.lanes != waiter.lanes) continue;
      const Instruction& at = launch.kernel.code[fragment.pc];
      if (at.dst != kNoReg) {  // bar.red
        const auto reduction = static_cast<BarrierReduction>(at.option);
        if (reduction == BarrierReduction::kCount) {
          std::uint32_t* result = warp.value<std::uint32_t>(at.dst);
          for_each_lane(fragment.lanes, [&](int lane) { result[lane] = barrier.count; });
        } else {
          const bool bit = reduction == BarrierReduction::kAnd ? barrier.all : barrier.any;
          LaneMask& result = warp.predicate(at.dst);
          result = (result & ~fragment.lanes) | (bit ? fragment.lanes : 0);
        }
        warp.set_poison(at.dst, fragment.lanes, 0);
      }
      fragment.blocked = false;
      ++fragment.pc;
    }
  }
  ++launch.progress;
  ++launch.counters.barriers;
  barrier = Barrier{};
  return true;
}

void Barriers::thread_exited(Block& block) {
  for (int id = 0; id < kBarriers; ++id) {
    if (barriers_[id].arrived > 0 && barriers_[id].whole_block) complete_if_full(block, id);
  }
}

}  // namespace moe::simt
