// cp.async: copies of 4, 8 or 16 bytes a thread from global to shared memory that are complete only
// when the thread has waited for them. Source: PTX ISA 9.0, "Data Movement and Conversion
// Instructions: Asynchronous Copy: Non-bulk copy".
#pragma once
#include <array>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "harness/simt/machine/block.h"
#include "harness/simt/machine/decoder.h"
#include "harness/simt/machine/lanes.h"

namespace moe::simt {

// What one executed cp.async still has to copy.
struct CopyBatch {
  struct LaneCopy {
    Located to, from;
    std::uint32_t bytes = 0;
    std::uint32_t from_bytes = 0;  // the rest is filled with zeros
    Tick tick = 0;
  };
  LaneMask lanes = 0;  // that are not done
  std::array<LaneCopy, kLanes> copies;
};

// The copies of one warp's threads, in flight. A thread's copies carry ticks; a group is the copies
// up to one tick, and waiting for it makes all ticks up to there known to the thread.
class WarpCopies {
 public:
  WarpCopies() { open_.fill(1); }

  Tick open(int lane) const { return open_[lane]; }
  // Takes a batch, to be done by a wait or when the schedule chooses.
  void add(Block& block, const Instruction& at, std::unique_ptr<CopyBatch> batch);
  // Ends the lane's open group; returns its tick.
  Tick commit(int lane);
  // The tick up to which `wait_group newest` waits: all groups but the `newest` latest.
  Tick tick_of_wait(int lane, std::uint32_t newest) const;
  // Copies after this get later ticks than those before it, which is returned; no group ends.
  Tick mark(int lane) { return open_[lane]++; }

  // Does the lane's copies up to the tick, now.
  void complete(Block& block, int lane, Tick upto);
  // `arrive` is called once the lane's copies up to `tick` are done.
  void when_done(int lane, Tick tick, std::function<void()> arrive);

 private:
  struct Arrival {
    int lane;
    Tick tick;
    std::function<void()> arrive;
  };
  void queue(Block& block, const Instruction& at);
  void complete_one(Block& block);
  bool is_done(int lane, Tick tick) const;
  void settle();

  std::array<Tick, kLanes> open_;
  std::array<std::vector<Tick>, kLanes> committed_;  // last tick of each group, ascending
  std::vector<std::unique_ptr<CopyBatch>> batches_;  // with lanes left, oldest first
  bool is_queued_ = false;                           // one piece of queued work serves all batches
  std::list<Arrival> arrivals_;
};

struct CopyStreams {
  std::map<int, WarpCopies> warps;  // by index
};

// cp.async and its commit, waits and mbarrier arrival; cp.async.bulk is decoded elsewhere. The
// modifier `async` is taken already.
Instruction decode_cp_async(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);

}  // namespace moe::simt
