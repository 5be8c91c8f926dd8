// barrier.cluster: all threads of all blocks of a cluster. Source: PTX ISA 9.0, "barrier.cluster".
#include <cstdint>
#include <vector>

#include "harness/simt/execute/cluster.h"
#include "harness/simt/execute/collective.h"
#include "harness/simt/machine/cluster.h"
#include "harness/simt/machine/launch.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {
namespace {

constexpr std::uint32_t kWaits = 1;   // option: wait, not arrive
constexpr std::uint32_t kOrders = 2;  // .release or .acquire; not .relaxed
constexpr std::uint32_t kAligned = 4;

class ClusterBarrier {
 public:
  void arrive(Warp& warp, const Instruction& at, LaneMask lanes);
  // False: the phase is not complete.
  bool wait(Warp& warp, const Instruction& at, LaneMask lanes);
  void complete_if_full(Cluster& cluster);
  static std::uint64_t key(const Cluster& cluster) {
    return std::uint64_t{'C'} << 56 | cluster.blocks.front()->linear;
  }

 private:
  // Of each thread: 0, or 1 + the phase it arrived in and has not waited for.
  std::uint64_t& arrival(const Block& block, int thread);

  std::vector<std::vector<std::uint64_t>> arrivals_;  // [rank][thread]
  std::uint64_t phase_ = 0;
  int arrived_ = 0;  // in this phase
  SnapshotRef gathered_, completed_;
};

std::uint64_t& ClusterBarrier::arrival(const Block& block, int thread) {
  if (arrivals_.size() <= block.rank) arrivals_.resize(block.rank + 1);
  std::vector<std::uint64_t>& own = arrivals_[block.rank];
  if (own.size() < block.warps.size() * kLanes) own.resize(block.warps.size() * kLanes);
  return own[thread];
}

void ClusterBarrier::arrive(Warp& warp, const Instruction& at, LaneMask lanes) {
  for_each_lane(lanes, [&](int lane) {
    const int thread = warp.first_thread() + lane;
    std::uint64_t& mark = arrival(warp.block, thread);
    if (mark != 0) {
      warp.block.fault(Check::kBarrier, thread, at,
                       "arrives at the cluster's barrier again without barrier.cluster.wait");
    }
    mark = 1 + phase_;
    ++arrived_;
    if (at.option & kOrders) gathered_ = join(gathered_, warp.block.release(thread));
  });
  ++warp.block.launch.progress;
  complete_if_full(warp.block.cluster);
}

bool ClusterBarrier::wait(Warp& warp, const Instruction& at, LaneMask lanes) {
  bool complete = true;
  for_each_lane(lanes, [&](int lane) {
    const int thread = warp.first_thread() + lane;
    const std::uint64_t mark = arrival(warp.block, thread);
    if (mark == 0) {
      warp.block.fault(Check::kBarrier, thread, at,
                       "waits at the cluster's barrier without barrier.cluster.arrive");
    }
    complete = complete && mark - 1 < phase_;
  });
  if (!complete) return false;
  for_each_lane(lanes, [&](int lane) {
    const int thread = warp.first_thread() + lane;
    arrival(warp.block, thread) = 0;
    if (at.option & kOrders) warp.block.acquire(thread, completed_);
  });
  return true;
}

void ClusterBarrier::complete_if_full(Cluster& cluster) {
  if (arrived_ == 0) return;
  for (const std::unique_ptr<Block>& block : cluster.blocks) {
    for (const std::unique_ptr<Warp>& warp : block->warps) {
      bool full = true;
      for_each_lane(~warp->exited, [&](int lane) {
        full = full && arrival(*block, warp->first_thread() + lane) == 1 + phase_;
      });
      if (!full) return;
    }
  }
  ++phase_;
  arrived_ = 0;
  completed_ = gathered_;
  cluster.blocks.front()->wake(key(cluster));
}

Outcome run_barrier(Warp& warp, const Instruction& at, LaneMask lanes) {
  if ((at.option & kAligned) && !collect(warp, at, lanes, kAllLanes)) return Outcome::kBlocked;
  Cluster& cluster = warp.block.cluster;
  ClusterBarrier& barrier = cluster.part<ClusterBarrier>();
  if (!(at.option & kWaits)) {
    barrier.arrive(warp, at, lanes);
    return Outcome::kNext;
  }
  barrier.complete_if_full(cluster);
  if (barrier.wait(warp, at, lanes)) return Outcome::kNext;
  // Threads that leave the kernel are waited for no longer. Nobody tells the barrier, so it looks
  // again when nothing else can run.
  warp.block.sleep_on(warp, ClusterBarrier::key(cluster), true);
  return Outcome::kBlocked;
}

}  // namespace

Instruction decode_cluster_barrier(Decoder& decoder, const ptx::Instruction& source,
                                   Modifiers& modifiers) {
  const int which = modifiers.take_one_of({"arrive", "wait"});
  if (which < 0 || !source.operands.empty()) {
    decoder.fail("barrier.cluster.arrive or .wait, without operands, was expected");
  }
  std::uint32_t option = which == 1 ? kWaits : 0;
  if (which == 0) {
    modifiers.take("release");  // the default
    if (!modifiers.take("relaxed")) option |= kOrders;
  } else {
    modifiers.take("acquire");
    option |= kOrders;
  }
  if (modifiers.take("aligned")) option |= kAligned;
  Instruction instruction;
  instruction.handler = run_barrier;
  instruction.option = option;
  instruction.splits = true;
  instruction.kind = InstructionClass::kBarrier;
  return instruction;
}

}  // namespace moe::simt
