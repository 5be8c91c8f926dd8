// Happens-before, as vector clocks (FastTrack, Flanagan and Freund, PLDI 2009). Each thread of a
// block is one slot; so is each thread's stream of cp.async copies, and each of a pool of
// asynchronous operations (bulk copies, wgmma reads). A snapshot says for every slot up to which
// tick its holder has seen it. Snapshots are immutable and shared: after a barrier all threads hold
// the same one.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace moe::simt {

using Tick = std::uint32_t;

struct Snapshot;
using SnapshotRef = std::shared_ptr<const Snapshot>;

struct Snapshot {
  std::uint32_t block = 0;  // whose slots `seen` and `fenced` are
  std::vector<Tick> seen;   // [slots of the block]: ordered before the holder
  std::vector<Tick>
      fenced;  // the same, and behind a proxy fence; empty if the kernel has no async proxy
  std::map<std::uint32_t, SnapshotRef>
      blocks;  // what the holder knows of other blocks, by block index
};

// The union of what both know; either may be null (knows nothing). Of the block of `a`, if there is
// one.
SnapshotRef join(const SnapshotRef& a, const SnapshotRef& b);

// An access's identity in shadow memory.
struct Epoch {
  std::uint32_t block = 0;
  std::uint32_t slot = 0;
  Tick tick = 0;
};

// What an agent (a lane, or an asynchronous operation) knows at one moment.
struct View {
  std::uint32_t block = 0;
  std::uint32_t slot = 0;
  Tick tick = 1;  // its own
  const Snapshot* seen = nullptr;
  Tick own_copies = 0;  // of a thread: its cp.async groups it has waited for
  std::uint32_t copies_slot = ~0u;
  std::uint32_t also_own = ~0u;  // of a cp.async copy: the slot of the thread that started it

  bool knows(const Epoch& epoch) const;   // happened before
  bool fenced(const Epoch& epoch) const;  // and is visible to the async proxy
};

// Here, so that it is inlined: every access asks it once or twice.
inline bool View::knows(const Epoch& epoch) const {
  if (epoch.block == block) {
    if (epoch.slot == slot || epoch.slot == also_own) return true;
    if (epoch.slot == copies_slot && own_copies >= epoch.tick) return true;
    return seen != nullptr && epoch.slot < seen->seen.size() &&
           seen->seen[epoch.slot] >= epoch.tick;
  }
  if (seen == nullptr) return false;
  const auto other = seen->blocks.find(epoch.block);
  return other != seen->blocks.end() && epoch.slot < other->second->seen.size() &&
         other->second->seen[epoch.slot] >= epoch.tick;
}

}  // namespace moe::simt
