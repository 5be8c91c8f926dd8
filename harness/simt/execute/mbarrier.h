// The mbarriers that live in a block's shared memory. Their eight bytes hold a valid, opaque form;
// what is checked and who has arrived is kept beside them. Source: PTX ISA 9.0, "Parallel
// Synchronization and Communication Instructions: mbarrier".
#pragma once
#include <cstdint>
#include <map>

#include "harness/simt/execute/mbarrier_state.h"
#include "harness/simt/machine/block.h"
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

struct Mbarrier {
  MbarrierState state;
  bool live = true;  // until mbarrier.inval
  // What arrivals released. It is not cleared between phases: each arrival is a read-modify-write
  // of the same object, so its release sequence goes on (PTX ISA, "Memory Consistency Model").
  SnapshotRef gathered;
  SnapshotRef completed;  // the same when the last phase completed: what waiters acquire
  std::map<int, std::uint64_t> sleepers;  // threads inside a try_wait, and the phase they sleep for
};

struct Mbarriers {
  std::map<std::uint32_t, Mbarrier> objects;  // by offset in shared memory

  // Failed test_waits of a warp since anything changed that others can see.
  struct Polls {
    std::uint64_t progress = 0;
    int failed = 0;
  };
  std::map<int, Polls> polls;  // by warp
};

// One operation on the mbarrier at a 32-bit shared address, which may be another block's of the
// cluster. Every misuse is a fault (Check::kBarrier) at the instruction.
class MbarrierOperation {
 public:
  // By a thread of `block`, or by an asynchronous operation that one started. `async_proxy`: the
  // initialisation must be behind a proxy fence.
  MbarrierOperation(Block& block, int thread, std::uint32_t address, const Instruction& at);
  MbarrierOperation(Block& block, const AsyncAgent& agent, std::uint32_t address,
                    const Instruction& at, bool async_proxy);

  static void init(Block& block, int thread, std::uint32_t address, std::uint32_t count,
                   const Instruction& at);
  void invalidate();

  // `released`: what whoever sees the phase complete comes to know; null: nothing (.relaxed).
  void arrive(std::uint32_t count, bool may_complete, bool drop, const SnapshotRef& released);
  void add_pending();
  void expect_tx(std::uint32_t bytes);
  void complete_tx(std::uint32_t bytes, const SnapshotRef& released);

  Mbarrier& object() { return *object_; }
  std::uint32_t offset() const { return located_.shared_offset; }
  std::uint64_t key() const;  // of Block::sleep_on
  [[noreturn]] void fault(const std::string& what) const;

 private:
  MbarrierOperation(Block& block, const View& view, int thread, std::uint32_t address,
                    const Instruction& at, bool async_proxy);
  void require(const Misuse& misuse) const;
  void changed(std::uint64_t phase_before);

  Block& block_;
  int thread_;
  const Instruction& at_;
  Located located_;
  Mbarrier* object_ = nullptr;
};

// mbarrier.*, by its first modifier: those that arrive or manage, and those that wait.
Instruction decode_mbarrier_arrive(Decoder& decoder, const ptx::Instruction& source,
                                   Modifiers& modifiers);
Instruction decode_mbarrier_wait(Decoder& decoder, const ptx::Instruction& source,
                                 Modifiers& modifiers);

void add_mbarrier_opcodes(OpcodeTable& table);

}  // namespace moe::simt
