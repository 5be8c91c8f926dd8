// The clocks of one block: what each of its threads, copies and asynchronous operations knows.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "harness/simt/check/clock.h"
#include "harness/simt/machine/lanes.h"

namespace moe::simt {

// Slots: threads (whole warps), then a cp.async stream for each thread, then asynchronous
// operations.
class BlockClocks {
 public:
  BlockClocks(std::uint32_t block, int warps);

  View view(int thread) const;
  SnapshotRef release(int thread);
  void acquire(int thread, const SnapshotRef& snapshot);
  // The lanes of each warp (by warp index) come to know what any of them knew; `also` may be null.
  SnapshotRef synchronise(std::span<const LaneMask> lanes, const SnapshotRef& also = nullptr);
  void proxy_fence(int thread);

  struct Operation {
    View view;
    SnapshotRef held;
  };
  Operation start_operation(int thread);
  SnapshotRef finish_operation(const Operation& operation);
  Operation copies(int thread, Tick group) const;
  void wait_copies(int thread, Tick group);

  std::uint32_t first_copies_slot() const { return threads_; }
  std::uint32_t first_operation_slot() const { return 2 * threads_; }
  bool is_operation(std::uint32_t slot) const { return slot >= first_operation_slot(); }
  bool is_copy(std::uint32_t slot) const { return slot >= threads_ && !is_operation(slot); }
  int thread_of_slot(std::uint32_t slot) const;  // who started what that slot stands for

 private:
  struct WarpBase {
    SnapshotRef common;  // of all lanes, while `own` is null
    std::unique_ptr<std::array<SnapshotRef, kLanes>> own;
  };
  const SnapshotRef& base(int thread) const;
  void set_base(int thread, SnapshotRef snapshot);

  std::uint32_t block_;
  std::uint32_t threads_;
  std::vector<WarpBase> bases_;
  std::vector<Tick> ticks_;         // [warps]
  std::vector<Tick> known_copies_;  // [threads]
  std::vector<Tick> operation_ticks_;
  std::vector<int> operation_threads_;
  std::vector<std::uint32_t> free_operations_;
};

// Here, so that they are inlined: every access asks for a view.
inline const SnapshotRef& BlockClocks::base(int thread) const {
  const WarpBase& warp = bases_[thread / kLanes];
  return warp.own ? (*warp.own)[thread % kLanes] : warp.common;
}

inline View BlockClocks::view(int thread) const {
  View view;
  view.block = block_;
  view.slot = static_cast<std::uint32_t>(thread);
  view.tick = ticks_[thread / kLanes];
  view.seen = base(thread).get();
  view.own_copies = known_copies_[thread];
  view.copies_slot = threads_ + static_cast<std::uint32_t>(thread);
  return view;
}

}  // namespace moe::simt
