// One thread block (CTA) while it runs: its warps, shared memory, barriers and asynchronous
// operations.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/simt/check/block_clocks.h"
#include "harness/simt/check/clock.h"
#include "harness/simt/check/finding.h"
#include "harness/simt/check/shadow.h"
#include "harness/simt/machine/instruction.h"
#include "harness/simt/machine/lanes.h"

namespace moe::simt {

class Block;
class Cluster;
class Launch;
class Warp;
struct Settings;

// Generic addresses: host addresses are global memory; shared and local memory have windows.
// A shared address is 32 bits: cluster rank + 1 in the upper 8 bits (0: the own block), offset
// below.
inline constexpr std::uint64_t kSharedWindow = 1ull << 56;
inline constexpr std::uint64_t kLocalWindow = 1ull << 57;
inline constexpr std::uint32_t kSharedOffsetBits = 24;
// The first kilobyte of shared memory belongs to the system (sm_80 and later): nothing lives there.
inline constexpr std::uint32_t kSharedBase = 1024;

enum class AccessKind : std::uint8_t { kRead, kWrite, kAtomic };
enum class Scope : std::uint8_t { kNone, kBlock, kCluster, kDevice };  // kNone: a weak access

// One agent's access to memory, checked and recorded by Block::access.
struct Access {
  std::uint64_t address = 0;  // generic; or an offset when space says so
  ptx::Space space = ptx::Space::kGeneric;
  std::uint32_t bytes = 0;
  std::uint32_t alignment = 1;
  AccessKind kind = AccessKind::kRead;
  Scope scope = Scope::kNone;
  bool async_proxy = false;  // made by TMA or wgmma: generic writes must be proxy-fenced
};

// What a strong write left for its readers to acquire.
struct Released {
  SnapshotRef snapshot;
  Scope scope = Scope::kDevice;
  std::uint32_t block = 0;
};

// Where the bytes are. `poisoned`: at least one byte read was never written.
struct Bytes {
  std::byte* data = nullptr;
  bool poisoned = false;
};

// An asynchronous operation in flight. Started by a thread, it owns a clock slot of its own until
// what completes it (an mbarrier, a wait) hands its end to those who wait.
using AsyncAgent = BlockClocks::Operation;

// Work that finishes later: early, late or at random, as the settings say.
struct AsyncOperation {
  std::function<void()> complete;
};

struct Allocation;

// Bytes an address stands for, before any check of order.
struct Located {
  std::byte* data = nullptr;
  std::uint8_t* written = nullptr;  // [bytes]: 1 where there is a value; null: always
  ptx::Space space = ptx::Space::kGlobal;
  Block* owner = nullptr;  // of shared memory
  std::uint32_t shared_offset = 0;
};

class Block {
 public:
  Block(Launch& launch, Cluster& cluster, std::uint32_t linear, std::uint32_t rank);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  Launch& launch;
  Cluster& cluster;
  unsigned index[3];           // ctaid
  const std::uint32_t linear;  // index in the grid
  const std::uint32_t rank;    // in the cluster
  std::vector<std::unique_ptr<Warp>> warps;
  int threads;       // of the block
  int live_threads;  // that have not exited
  bool finished() const { return live_threads == 0; }

  // ---- memory ----------------------------------------------------------------------------------
  // Bounds, alignment, poison and races of one access by thread `thread` (index in the block) at
  // `at`; throws KernelFault after reporting what cannot go on.
  Bytes access(int thread, const Access& access, const Instruction& at);
  // The same for an asynchronous operation started by `thread`.
  Bytes access(const AsyncAgent& agent, const Access& access, const Instruction& at);
  // Marks bytes as never written (the destination of a copy that is still under way).
  void poison(std::uint64_t address, ptx::Space space, std::uint32_t bytes);
  // The block whose shared memory a 32-bit shared address names, and the offset there.
  Block& block_of(std::uint32_t shared_address, std::uint32_t* offset);
  // Bounds, lifetime and alignment only.
  // The same for addresses that are surely fine, in a few instructions; false: ask locate().
  bool locate_quickly(std::uint64_t address, ptx::Space space, std::uint32_t bytes,
                      Located* located);
  Located locate(int thread, std::uint64_t address, ptx::Space space, std::uint32_t bytes,
                 std::uint32_t alignment, AccessKind kind, const Instruction& at);
  // Records the access in shadow memory; what it ran into, last conflict first.
  Conflict order(const View& view, const Located& located, std::uint32_t bytes, AccessKind kind,
                 Scope scope, bool async_proxy, const Instruction& at);
  void report_conflict(const Conflict& conflict, const View& view, const Located& located,
                       AccessKind kind, const Instruction& at);

  std::vector<std::byte> shared;
  std::vector<std::uint8_t> shared_written;
  std::vector<ShadowPage> shared_shadow;

  // ---- order -----------------------------------------------------------------------------------
  SnapshotRef release(int thread);  // what the thread has done and seen, up to now
  void acquire(int thread, const SnapshotRef& snapshot);
  void proxy_fence(int thread);        // fence.proxy.async
  AsyncAgent start_async(int thread);  // an agent that knows what `thread` knows
  SnapshotRef finish_async(
      const AsyncAgent& agent);  // what acquiring its end means; frees its slot
  // cp.async writes carry the epoch (copies slot of thread, group); waiting makes them known.
  AsyncAgent copy_agent(int thread, Tick group);
  void wait_copies(int thread, Tick group);  // all groups up to `group` are known to `thread`

  BlockClocks clocks;
  std::unordered_map<std::uint32_t, Released> shared_released;  // by offset of the aligned word

  // ---- asynchronous operations
  // ------------------------------------------------------------------- Queues work. Early: done at
  // once. Otherwise the scheduler picks it later: at random moments, or (late) only when nothing
  // else can run. What a wait needs sooner its own family completes.
  void queue(const Instruction& at, std::function<void()> complete);
  bool has_pending() const { return !pending_.empty(); }
  void complete_one();  // the oldest; at random with random completion

  // ---- waiting ---------------------------------------------------------------------------------
  // The running fragment of `warp` sleeps until wake(key), in any block of the cluster; then its
  // instruction is run again. Return kBlocked after it. `poll`: it may also be woken with nothing
  // having happened when all else waits (a try_wait that comes back false: see `polled`).
  void sleep_on(Warp& warp, std::uint64_t key, bool poll = false);
  void wake(std::uint64_t key);

  // ---- findings
  // ----------------------------------------------------------------------------------
  void report(Check check, int thread, const Instruction& at, std::string message);
  void report(Check check, int thread, const Instruction& at, std::string message,
              const Mark& earlier);
  [[noreturn]] void fault(Check check, int thread, const Instruction& at, std::string message);
  Site site(int thread, const Instruction& at) const;
  Finding make_finding(Check check, int thread, const Instruction& at, std::string message) const;
  void add_earlier(Finding& finding, const Mark& earlier) const;
  std::uint32_t pc_of(const Instruction& at) const { return at.index; }

  // State other families hang on the block, made on first use: block.part<Mbarriers>().
  template <class Part>
  Part& part();

 private:
  Bytes access_as(const View& view, int thread, const Access& access, const Instruction& at);
  std::vector<AsyncOperation> pending_;
  std::unordered_map<const void*, std::shared_ptr<void>> parts_;
};

template <class Part>
Part& Block::part() {
  static const char key = 0;
  std::shared_ptr<void>& slot = parts_[&key];
  if (!slot) slot = std::make_shared<Part>();
  return *static_cast<Part*>(slot.get());
}

}  // namespace moe::simt
