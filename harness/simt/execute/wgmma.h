// wgmma: matrix products of a warpgroup (four warps), from shared memory, in the background.
// Source: PTX ISA 9.0, "Asynchronous Warpgroup Level Matrix Multiply-Accumulate Instructions".
//
// How it is run: a warp that reaches wgmma.mma_async joins the warpgroup's next operation and goes
// on. The operation is queued once all four warps have joined it with the same statement and the
// same descriptors. When it is carried out - early, late or at random, at the latest in
// wgmma.wait_group - each warp's part reads shared memory through an asynchronous agent of its own,
// which knows what that warp's first lane knew when it joined: its 16 rows of A and all of B.
// Operations of a warpgroup are carried out in order.
#pragma once
#include <cstdint>
#include <vector>

#include "harness/simt/execute/mma_accumulate.h"
#include "harness/simt/execute/mma_elements.h"
#include "harness/simt/execute/wgmma_guard.h"  // the run loop's hook
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

inline constexpr int kWarpsOfGroup = 4;
inline constexpr int kWarpRows = 16;  // M is 64: 16 rows a warp

// What one wgmma.mma_async statement says.
struct WgmmaForm : Extra {
  int columns = 0;  // N: 8 to 256
  int depth = 0;    // K: 32 bytes of elements
  Element a_type = Element::kF16;
  Element b_type = Element::kF16;
  Accumulation accumulation;
  std::vector<Reg> d;
  std::vector<Reg> a;         // A from registers; empty: from shared memory
  Reg a_descriptor = kNoReg;  // then
  Reg b_descriptor = kNoReg;
  Reg scale_d = kNoReg;  // predicate; kNoReg: `adds`
  bool adds = true;      // D = A * B + D rather than A * B
  bool a_mn_major = false;
  bool b_mn_major = false;

  void registers(std::vector<Reg>& read, std::vector<Reg>& written) const override;
};

Instruction decode_wgmma(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);
Instruction decode_setmaxnreg(Decoder& decoder, const ptx::Instruction& source,
                              Modifiers& modifiers);

// The handlers of wgmma.mma_async, .fence, .commit_group, .wait_group and of setmaxnreg.
Outcome run_wgmma(Warp& warp, const Instruction& instruction, LaneMask lanes);
Outcome run_wgmma_fence(Warp& warp, const Instruction& instruction, LaneMask lanes);
Outcome run_wgmma_commit(Warp& warp, const Instruction& instruction, LaneMask lanes);
Outcome run_wgmma_wait(Warp& warp, const Instruction& instruction, LaneMask lanes);
Outcome run_setmaxnreg(Warp& warp, const Instruction& instruction, LaneMask lanes);

}  // namespace moe::simt
