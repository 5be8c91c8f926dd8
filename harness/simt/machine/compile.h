// From an entry's statements to a Kernel: rows for registers, places for variables, decoded code.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/simt/machine/decoder.h"
#include "harness/simt/machine/program.h"

namespace moe::simt {

// Throws ptx::Error for a statement no decode function takes whole.
std::shared_ptr<Kernel> compile(std::shared_ptr<Program> program, const ptx::Function& entry);

// What a call needs: where the callee begins, and which bytes of local memory to copy before and
// after.
struct CallFrame {
  int begin = 0;  // index into the kernel's code
  struct Slot {
    int offset;  // in the lane's local memory
    int bytes;
  };
  std::vector<Slot> parameters, results;
  // The function's own registers and local memory: saved over a call of itself.
  struct Saved {
    Reg reg;
    int bits;  // of one lane: 0 for a predicate
  };
  std::vector<Saved> registers;
  Slot local;
};

// Where a pointer to a function points: nothing is stored there, a call through it looks it up.
inline constexpr std::uint64_t kCodeWindow = 1ull << 58;

// The decoder as control instructions see it: they alone know of functions.
class FunctionDecoder : public Decoder {
 public:
  // Throws (through fail) for an unknown function.
  virtual std::shared_ptr<const CallFrame> callee(const std::string& name) = 0;
  // Every function a pointer may name: its address and its frame.
  virtual std::vector<std::pair<std::uint64_t, std::shared_ptr<const CallFrame>>> callees() = 0;
  virtual CallFrame::Slot local_slot(const ptx::Operand& operand) = 0;  // of a .param variable
  virtual bool in_entry() const = 0;
  virtual const std::vector<std::string>& branch_targets(const std::string& name) = 0;
};

}  // namespace moe::simt
