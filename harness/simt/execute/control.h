// Branches, calls, returns and exits.
#pragma once
#include <vector>

#include "harness/simt/machine/instruction.h"

namespace moe::simt {

// brx.idx: indices into the code, by the value of the index register.
struct BranchTable : Extra {
  std::vector<int> targets;
};

// What stands behind the last statement of a function: ret, or exit of an entry.
Instruction return_instruction(bool of_entry);

// dst = !source.
Instruction negate_predicate(Reg source, Reg dst);

}  // namespace moe::simt
