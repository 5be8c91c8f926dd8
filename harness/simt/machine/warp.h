// 32 lanes, their registers, and the fragments they have split into.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "harness/simt/check/clock.h"
#include "harness/simt/machine/block.h"
#include "harness/simt/machine/instruction.h"
#include "harness/simt/machine/lanes.h"

namespace moe::simt {

struct CallFrame;
struct SavedWindow;

// A call a fragment has to come back from.
struct ReturnTo {
  int caller = 0;  // the call's index in the code
  const CallFrame* callee = nullptr;
  std::shared_ptr<const SavedWindow> saved;  // of a function that calls itself
  bool operator==(const ReturnTo&) const = default;
};

// Lanes at one program counter. A warp is one fragment until a branch divides it; fragments that
// meet again at the same place join.
struct Fragment {
  LaneMask lanes = 0;
  int pc = 0;                     // index into the kernel's decoded code
  std::vector<ReturnTo> returns;  // calls to come back from, outermost first
  bool blocked = false;
  std::uint64_t sleeping_on = 0;  // key of Block::sleep_on; 0: waits for lanes or a barrier
  bool poll = false;              // may be woken without cause
  bool polled = false;            // was: the instruction that runs now should give up its wait
  LaneMask waiting_for = 0;       // lanes a collective still needs
};

class Warp {
 public:
  Warp(Block& block, int index);
  ~Warp();
  Warp(const Warp&) = delete;
  Warp& operator=(const Warp&) = delete;

  Block& block;
  const int index;  // in the block
  int first_thread() const { return index * kLanes; }
  LaneMask exited = 0;  // lanes that are done (or never were)

  // The lanes' values of a register: value<float>(r)[lane]. 8-, 16- and 32-bit types: uint32_t or
  // float; 64-bit types: uint64_t or double.
  template <class T>
  T* value(Reg reg) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8);
    return reinterpret_cast<T*>(file_ + reg);
  }
  LaneMask& predicate(Reg reg) { return *reinterpret_cast<LaneMask*>(file_ + reg); }
  // Which lanes hold a value that depends on memory or registers never written.
  LaneMask& poison(Reg reg) { return poison_[reg / kRowBytes]; }
  void set_poison(Reg reg, LaneMask lanes, LaneMask poisoned) {
    LaneMask& p = poison(reg);
    p = (p & ~lanes) | (poisoned & lanes);
  }

  bool finished() const { return fragments.empty(); }
  // A fragment that could go on.
  bool runnable() const;
  // Lanes leave the kernel; the running fragment shrinks.
  void exit(const Instruction& at, LaneMask lanes);

  std::vector<std::byte> local;  // [lane][local bytes of the kernel]
  std::vector<std::uint8_t> local_written;

  // Order by fences (PTX memory model): what an earlier fence released, what the next one acquires.
  struct FenceState {
    SnapshotRef released;
    Scope released_scope = Scope::kNone;
    SnapshotRef pending;
  };
  std::vector<FenceState> fences;  // [lanes], empty until the first fence or strong read

  std::vector<Fragment> fragments;  // room is kept so that none moves
  Fragment* running = nullptr;      // the one whose instruction is being run

 private:
  void set_special_registers();
  std::byte* file_ = nullptr;
  std::vector<LaneMask> poison_;  // [rows of the file]
};

}  // namespace moe::simt
