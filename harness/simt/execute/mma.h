// mma.sync: one warp's matrix product from registers. Source: PTX ISA 9.0, "Warp Level Matrix
// Instructions: mma".
#pragma once
#include <vector>

#include "harness/simt/execute/mma_accumulate.h"
#include "harness/simt/execute/mma_elements.h"
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

// What one mma statement says.
struct MmaForm : Extra {
  int rows = 16;  // M; N is 8
  int depth = 0;  // K
  Element a_type = Element::kF16;
  Element b_type = Element::kF16;
  Accumulation accumulation;
  std::vector<Reg> d, a, b, c;

  void registers(std::vector<Reg>& read, std::vector<Reg>& written) const override;
};

// The decode function of `mma`. Refuses what is not a dense product the ISA lists, and of those
// m8n8k4.f16 (sm_70's own layout), .b1 and the .kind:: forms of sm_100 and later.
Instruction decode_mma(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);

Outcome run_mma(Warp& warp, const Instruction& instruction, LaneMask lanes);

}  // namespace moe::simt
