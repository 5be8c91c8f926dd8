// Runs the blocks of a launch, interleaved as the schedule says, until all are done or stuck.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/simt/machine/cluster.h"
#include "harness/simt/machine/launch.h"

namespace moe::simt {

class Scheduler {
 public:
  explicit Scheduler(Launch& launch);
  // Throws KernelFault after recording why.
  void run();

 private:
  bool admit_one();  // false: none is left
  void admit();      // blocks become resident in order of their index, as on hardware
  void retire();
  void run_natural();  // one turn: each runnable warp of one block, or of the next
  void run_random();
  bool run_warp(Warp& warp, std::uint32_t budget);  // false: it could not go on
  void when_stuck();  // nothing moved: finish a copy, wake a poll, admit a block, or give up
  bool complete_pending();
  bool wake_polls();
  [[noreturn]] void deadlock();
  std::string waiting_state() const;

  Launch& launch_;
  std::vector<std::unique_ptr<Cluster>> resident_;
  std::uint64_t clusters_ = 0;
  int resident_limit_ = 1;
  std::size_t turn_ = 0;  // which resident cluster has its turn
  bool rotate_ = false;   // fragments take turns, since the natural order is stuck
  std::uint64_t executed_ = 0;
  std::uint64_t executed_at_progress_ = 0;
  std::uint64_t last_progress_ = 0;
  std::uint64_t others_progress_ = 0;  // of all workers when this one was last stuck
  int polls_without_progress_ = 0;
};

}  // namespace moe::simt
