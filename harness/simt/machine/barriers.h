// The 16 named barriers of a block (bar.sync, bar.arrive, bar.red).
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "harness/simt/machine/block.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {

enum class BarrierReduction : std::uint8_t { kNone, kAnd, kOr, kCount };

class Barriers {
 public:
  static constexpr int kBarriers = 16;

  // The running fragment of the warp, `lanes`, arrives at barrier `id`. `expected`: threads, or 0
  // for all of the block. `waits`: sync and red; arrive goes on at once. True: the barrier is
  // complete, or the lanes need not wait. False: the fragment sleeps; it is advanced past the
  // instruction when the barrier completes. `votes`: predicates of a reduction, whose result goes
  // to each waiter's dst.
  bool arrive(Warp& warp, const Instruction& at, LaneMask lanes, int id, int expected, bool waits,
              BarrierReduction reduction = BarrierReduction::kNone, LaneMask votes = 0);

  // Fewer threads are left to wait for.
  void thread_exited(Block& block);

 private:
  struct Waiter {
    int warp;
    int pc;
    LaneMask lanes;
  };
  struct Barrier {
    int arrived = 0;
    int expected = 0;  // 0: all threads of the block
    bool whole_block = false;
    std::uint32_t first_pc = 0;
    bool two_sites = false;
    std::uint32_t second_pc = 0;
    bool any = false, all = true;
    std::uint32_t count = 0;
    std::vector<LaneMask> lanes;  // [warps]: of those that wait, for the clocks
    std::vector<Waiter> waiters;
    SnapshotRef left;  // by bar.arrive: what those who went on had done
  };
  bool complete_if_full(Block& block, int id);
  std::array<Barrier, kBarriers> barriers_;
};

}  // namespace moe::simt
