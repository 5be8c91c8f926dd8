// atom and red. Source: PTX ISA 9.0, "atom", "red".
#pragma once
#include <array>
#include <vector>

#include "harness/simt/execute/atomic_operation.h"
#include "harness/simt/execute/memory_modifiers.h"
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

Instruction decode_atom(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);
// red without .async.
Instruction decode_red(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);

struct AtomicOperation : MemoryOperation {
  AtomicName name = AtomicName::kAdd;
  AtomicFunction function = nullptr;         // of each element; null: exchange, compare-and-swap
  AtomicFunction shared_function = nullptr;  // the same in shared memory, where f32 is not flushed
  std::array<Reg, kMaxElements> results{};   // old values; kNoReg: red
  Reg swap = kNoReg;                         // compare-and-swap: what is stored
  bool has_result = false;

  void registers(std::vector<Reg>& read, std::vector<Reg>& written) const override;
};

// Of exchange and compare-and-swap; null where the ISA has none.
Handler swap_handler(AtomicName name, ptx::Type type);
// Of the other operations on elements of `bits`.
Handler combine_handler(int bits);

}  // namespace moe::simt
