// From sums of products to the registers of D: shared by mma and wgmma.
#pragma once
#include <bitset>
#include <cstdint>

#include "harness/simt/execute/mma_elements.h"
#include "harness/simt/machine/lanes.h"

namespace moe::simt {

inline constexpr int kMaxColumns = 256;

// Rows of A and columns of B with a value that was never written: each element of D they reach is
// poisoned too.
struct OperandPoison {
  std::uint32_t rows = 0;  // of a warp's 8 or 16
  std::bitset<kMaxColumns> columns;
};

struct Accumulation {
  Accumulator type = Accumulator::kF32;
  bool saturate = false;  // .satfinite of .s32: clamps; otherwise the sum wraps
  bool negate = false;    // the product: exactly one of imm-scale-a and imm-scale-b is -1
};

// Registers of D (and C) a thread holds, for 8 or 16 rows a warp.
int accumulator_registers(Accumulator type, int rows, int columns);

// Register `index` of D for all lanes: d = c + sums, rounded once. f16 registers hold two elements.
// `sums` is [rows][columns]; `c` null: zero. 32-bit registers are uint32_t[32], of kF64 not done
// here.
void accumulate(const Accumulation& form, const float* sums, int columns, int index,
                const std::uint32_t* c, std::uint32_t* d);

// The lanes whose register `index` is poisoned by the operands.
LaneMask poisoned_lanes(Accumulator type, int index, const OperandPoison& poison);

}  // namespace moe::simt
