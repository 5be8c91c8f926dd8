// A decoded instruction: what the executor runs, warp-wide.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/simt/machine/lanes.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt {

class Warp;
struct Instruction;

// What became of the lanes that ran an instruction.
enum class Outcome : std::uint8_t {
  kNext,     // go on with the next instruction
  kJumped,   // the handler has set the fragment's program counter (or ended it)
  kBlocked,  // the same instruction is tried again when the fragment is woken
  kYield,    // go on with the next instruction, but let others run first (a failed poll)
};

// Runs one instruction for the lanes of `lanes` (never empty).
using Handler = Outcome (*)(Warp& warp, const Instruction& instruction, LaneMask lanes);

// A register, constant or special value of a warp: byte offset into the warp's register file.
// Every register has a whole number of 128-byte rows: predicates one row whose first 32-bit word
// holds one bit a lane; 8-, 16- and 32-bit values one row of uint32_t[32] (upper bits zero); 64-bit
// values two rows, uint64_t[32]; 128-bit values four rows, the low halves uint64_t[32] first.
using Reg = std::int32_t;
inline constexpr Reg kNoReg = -1;
inline constexpr int kRowBytes = 128;

// For counters. One an instruction.
enum class InstructionClass : std::uint8_t {
  kInteger,
  kFloat,
  kHalf,
  kDouble,
  kConversion,
  kPredicate,
  kMove,
  kControl,
  kBarrier,
  kShuffle,
  kLoad,
  kStore,
  kAtomic,
  kAsyncCopy,
  kTensorLoad,
  kTensorProduct,
  kFence,
  kOther,
  kCount
};

// What a family of instructions needs beyond the common fields.
struct Extra {
  virtual ~Extra() = default;
  // Adds the registers that dst and src do not name: vectors, fragments, a second result.
  virtual void registers(std::vector<Reg>& read, std::vector<Reg>& written) const {
    (void)read, (void)written;
  }
};

struct Instruction {
  Handler handler = nullptr;
  Reg dst = kNoReg;
  Reg src[4] = {kNoReg, kNoReg, kNoReg, kNoReg};  // unused ones point at the zero register
  Reg guard = kNoReg;                             // predicate register of @p
  bool guard_negated = false;
  // The handler needs the fragment to be exactly the active lanes: branches, exits, barriers,
  // collectives. Lanes whose guard is false are split off before it is called.
  bool splits = false;
  // The handler marks poisoned lanes itself; otherwise dst is poisoned where any src is.
  bool own_poison = false;
  bool strong = false;  // an atomic, or a strong load or store: one at a time over all workers
  InstructionClass kind = InstructionClass::kOther;
  std::int64_t immediate = 0;  // the handler's own: an offset, a size, a branch target
  std::uint32_t option = 0;    // the handler's own: small switches
  int target = -1;             // of a branch: index into the kernel's code
  std::shared_ptr<const Extra> extra;
  const ptx::Instruction* source = nullptr;
  std::uint32_t index = 0;  // in the kernel's code

  template <class T>
  const T& as() const {
    return static_cast<const T&>(*extra);
  }
};

}  // namespace moe::simt
