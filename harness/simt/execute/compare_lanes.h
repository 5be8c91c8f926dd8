// The lanes in which two operands compare so: what setp and set are made of.
#pragma once
#include <array>
#include <cstdint>

#include "harness/simt/execute/compare_operations.h"
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

// For all 32 lanes, of registers a and b. Of packed types `high` has the upper halves' results.
struct ComparedLanes {
  LaneMask low = 0;
  LaneMask high = 0;
};
using CompareFunction = ComparedLanes (*)(Warp& warp, Reg a, Reg b);

// Takes the comparison, and .ftz where the type has it. Fails for a comparison the type does not
// have.
Comparison take_comparison(Decoder& decoder, Modifiers& modifiers);
CompareFunction compare_function(Decoder& decoder, Comparison comparison, ptx::Type type, bool ftz);

// The operand of .and .or .xor, combined with the comparison's result.
enum class Combine : std::uint8_t { kNone, kAnd, kOr, kXor };
Combine take_combine(Modifiers& modifiers);

// A comparison, its third operand, and what is not known of the result.
struct Combined {
  LaneMask value = 0;
  LaneMask poisoned = 0;
};
Combined combine(Combine how, Combined comparison, Combined operand);

// What the handlers of setp and set need beyond registers.
struct CompareExtra final : Extra {
  CompareFunction compare = nullptr;
  Combine combine = Combine::kNone;
  Reg second = kNoReg;  // q of p|q
};

}  // namespace moe::simt
