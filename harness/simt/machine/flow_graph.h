// The flow graph of a PTX function: its basic blocks, and which of them a thread may run next.
#pragma once
#include <vector>

#include "harness/simt/ptx/syntax.h"

namespace moe::simt {

// Statements [begin, end) of Function::body, never empty, entered at the first and left after the
// last.
struct BasicBlock {
  int begin = 0;
  int end = 0;
  std::vector<int> successors;  // indices of blocks; none where a thread ends or returns
};

// Blocks in the order of the text; the first is where the function is entered. A guarded branch,
// ret, exit or trap may be passed by; a call comes back to the statement behind it; running off the
// end of the body is a return. Source: PTX ISA 9.0, "Control Flow Instructions". Throws ptx::Error,
// naming the statement, for a branch to a label that is not there.
std::vector<BasicBlock> flow_graph(const ptx::Function& function);

}  // namespace moe::simt
