// Where each warpgroup of a block stands with its wgmma operations.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "harness/simt/execute/wgmma.h"
#include "harness/simt/execute/wgmma_guard.h"
#include "harness/simt/machine/block.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {

// One wgmma.mma_async of a warpgroup.
struct WgmmaOperation {
  const Instruction* at = nullptr;
  std::uint64_t a_descriptor = 0;  // 0 where A is in registers
  std::uint64_t b_descriptor = 0;
  bool adds = true;
  std::array<Warp*, kWarpsOfGroup> warps{};  // null: not there yet
  std::array<AsyncAgent, kWarpsOfGroup> agents;
  SnapshotRef end;  // once carried out: what its waiters learn

  const WgmmaForm& form() const { return at->as<WgmmaForm>(); }
};

// Operations are numbered from 0; each warp issues them in the same order.
class Warpgroup {
 public:
  // Warp `warp` joins its next operation (`wanted` says which statement and descriptors). Queues
  // the operation when it was the last to join. A statement or descriptors other than those the
  // other warps came with are a fault (Check::kDivergence).
  void join(Warp& warp, const Instruction& instruction, const WgmmaOperation& wanted);
  // What the warp has issued so far becomes a group.
  void commit(int warp_in_group);
  // Carries out what all but the newest `pending` groups of the warp hold, and lets its lanes know.
  // False when other warps have not issued all of it yet: try again when woken.
  bool wait(Warp& warp, std::uint64_t pending);
  // setmaxnreg: the statement must be the same for all warps.
  void note_setmaxnreg(Warp& warp, const Instruction& instruction);

  std::array<WgmmaGuard, kWarpsOfGroup> guards;

 private:
  struct Member {
    std::uint64_t issued = 0;          // operations
    std::uint64_t waited = 0;          // the first so many are known to be done
    std::deque<std::uint64_t> groups;  // committed, not waited for: `issued` at the commit
    std::size_t setmaxnreg = 0;        // executed
  };
  WgmmaOperation& operation(std::uint64_t number) { return *operations_[number - first_]; }
  void carry_out(Block& block, std::uint64_t count);
  void forget_waited();
  std::uint64_t key() const { return reinterpret_cast<std::uintptr_t>(this); }

  std::array<Member, kWarpsOfGroup> members_;
  std::deque<std::unique_ptr<WgmmaOperation>> operations_;
  std::uint64_t first_ = 0;    // number of operations_.front()
  std::uint64_t started_ = 0;  // joined by all four warps
  std::uint64_t done_ = 0;     // carried out
  std::vector<const Instruction*> setmaxnreg_;
};

class WarpgroupStates {
 public:
  Warpgroup& of(const Warp& warp) {
    const std::size_t group = warp.index / kWarpsOfGroup;
    while (groups_.size() <= group) groups_.push_back(std::make_unique<Warpgroup>());
    return *groups_[group];
  }

 private:
  std::vector<std::unique_ptr<Warpgroup>> groups_;
};

// Reads the operands, multiplies, and adds to the accumulators of all four warps. Sets `end`.
void carry_out(Block& block, WgmmaOperation& operation);

// Faults (Check::kDivergence) where the block has no four warps for this warp's warpgroup.
void require_warpgroup(Warp& warp, const Instruction& instruction);

}  // namespace moe::simt
