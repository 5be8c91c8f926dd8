// Where everything of a kernel lives, and the decoder of one of its functions.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/simt/machine/compile.h"
#include "harness/simt/machine/decoder.h"
#include "harness/simt/machine/program.h"

namespace moe::simt {

// Registers, local and shared memory of a kernel and the functions it calls. Each function has
// places of its own: PTX registers belong to lanes, and without recursion no lane is in a function
// twice.
class KernelLayout {
 public:
  KernelLayout(Kernel& kernel, const Program& program);
  void place(const ptx::Function& function);
  void finish();  // after the last function: sizes of local and shared memory

  struct Variable {
    ptx::Space space;
    std::uint64_t address;  // shared: offset from the window; local: offset in the lane's memory
    int bytes;
  };
  struct Placed {
    std::vector<Reg> registers;
    std::map<std::string, Variable, std::less<>> variables;  // and parameters
    std::shared_ptr<CallFrame> frame = std::make_shared<CallFrame>();
  };
  const Placed& placed(const ptx::Function& function) const { return placed_.at(&function); }
  bool is_placed(const ptx::Function& function) const { return placed_.contains(&function); }

  const std::map<const ptx::Function*, Placed>& all_placed() const { return placed_; }
  Reg row(int rows);  // new rows of the register file
  Reg constant(std::uint64_t bits, int bytes);
  int file_bytes() const { return file_bytes_; }

  Kernel& kernel;
  const Program& program;

 private:
  int place_local(int bytes, int align);
  void note_saved(const ptx::Function& function, Placed& placed);
  std::map<const ptx::Function*, Placed> placed_;
  std::map<std::pair<std::uint64_t, int>, Reg> constants_;
  int file_bytes_ = static_cast<int>(Special::kCount) * kRowBytes;
};

// Appends the function's decoded statements to the kernel's code, and a return behind them.
void decode_function(KernelLayout& layout, const ptx::Function& function);

}  // namespace moe::simt
