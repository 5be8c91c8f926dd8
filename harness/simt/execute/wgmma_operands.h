// Reads the matrices of a wgmma from shared memory, through the operation's agents.
#pragma once
#include <bitset>
#include <span>

#include "harness/simt/execute/matrix_descriptor.h"
#include "harness/simt/execute/mma_accumulate.h"
#include "harness/simt/execute/mma_elements.h"
#include "harness/simt/machine/block.h"

namespace moe::simt {

// `lines` rows of A or columns of B from line `first` on, each `depth` elements deep.
struct SharedOperand {
  MatrixDescriptor matrix;
  Element type = Element::kF16;
  bool mn_major = false;
  int first = 0;
  int lines = 0;
  int depth = 0;
};

// The lines that held a byte never written; two or more lines that are stored together (up to 128
// bytes) count as one.
using PoisonedLines = std::bitset<kMaxColumns>;

// The elements as [lines][depth] (`by_line`) or [depth][lines]. Each of `agents` is recorded as a
// reader of every byte: bounds, races, missing proxy fences and values never written are seen here.
PoisonedLines read_operand(Block& block, std::span<const AsyncAgent> agents, const Instruction& at,
                           const SharedOperand& operand, bool by_line, float* values);

}  // namespace moe::simt
