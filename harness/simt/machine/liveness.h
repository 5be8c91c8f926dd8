// Where in a PTX function each virtual register holds a value that a thread may still read.
#pragma once
#include <vector>

#include "harness/simt/ptx/syntax.h"

namespace moe::simt {

// What a statement does to registers, as indices into Function::registers. A register it may leave
// as it was (a guarded definition, an opcode not known to write its first operand) counts as used.
struct RegisterEffects {
  std::vector<int> uses;
  std::vector<int> definitions;  // written by every thread that runs the statement
};
void effects_of(const ptx::Instruction& instruction, RegisterEffects& effects);

// The first and the last statement at which a register is named or live, both included. Between
// them it may be dead for a while; outside them it never is live. A register that some path reads
// before it was ever written is live from the first statement on.
struct LiveInterval {
  int first = -1;  // -1: the body never names the register
  int last = -1;
  bool named() const { return first >= 0; }
};
std::vector<LiveInterval> live_intervals(const ptx::Function& function);  // [registers]

}  // namespace moe::simt
