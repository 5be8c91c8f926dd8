// Finds instructions that touch the registers of a wgmma which is still under way, and a wgmma
// whose registers were touched since the last wgmma.fence.
#pragma once
#include <cstdint>
#include <vector>

#include "harness/simt/machine/instruction.h"

namespace moe::simt {

struct WgmmaForm;

// Of one warp. The run loop calls check() before each instruction that any lane executes, while
// active():
//   WgmmaGuard& guard = wgmma_guard(warp);
//   if (guard.active()) guard.check(warp, instruction);
// Rules (PTX ISA 9.0, "wgmma.fence", "wgmma.wait_group"):
// - accumulators must not be read or written before a wait on the wgmma's group: Check::kAsyncWait;
// - registers of A must not be written before it: Check::kAsyncWait. Reading them, which the ISA
//   forbids as well, changes nothing and is not reported;
// - between any access to a register and a wgmma that uses it stands a wgmma.fence, except where
// both
//   are wgmma of one shape and accumulator type that add to it: Check::kWgmma.
class WgmmaGuard {
 public:
  // From the warp's first wgmma.fence on.
  bool active() const { return fences_ != 0; }
  void check(Warp& warp, const Instruction& instruction);

  void fence() { ++fences_; }
  // At the issue of a wgmma; `release` when a wait has covered it.
  void issue(Warp& warp, const Instruction& instruction, const WgmmaForm& form);
  void release(const WgmmaForm& form);

 private:
  struct State {
    std::uint64_t touched = 0;  // the number of fences before the last access by other instructions
    std::uint32_t adding = 0;   // wgmma under way that accumulate here
    std::uint32_t reading = 0;  // wgmma under way that read A from here
    const WgmmaForm* last = nullptr;       // the newest of those that accumulate
    const ptx::Instruction* by = nullptr;  // the statement of the newest user
  };
  State& state(Reg reg);
  void touch(Warp& warp, const Instruction& instruction, Reg reg, bool writes);
  void use(Warp& warp, const Instruction& instruction, Reg reg, const WgmmaForm& form,
           bool accumulates);

  std::vector<State> states_;  // by row of the register file
  std::vector<Reg> read_, written_;
  std::uint64_t fences_ = 0;
};

// The guard of this warp, made on first use. Valid as long as the block.
WgmmaGuard& wgmma_guard(Warp& warp);

}  // namespace moe::simt
