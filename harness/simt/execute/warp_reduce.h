// The arithmetic of redux.sync. Source: PTX ISA 9.0, "redux.sync".
#pragma once
#include <cstdint>

#include "harness/simt/machine/lanes.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt {

// A commutative operation on 32 bits.
using ReduceFunction = std::uint32_t (*)(std::uint32_t a, std::uint32_t b);

enum class ReduceName : std::uint8_t { kAdd, kMin, kMax, kAnd, kOr, kXor };

// What .f32 may carry besides.
struct FloatRule {
  bool absolute = false;        // .abs: of the inputs' magnitudes
  bool nan_propagates = false;  // .NaN: one NaN makes the result NaN
};

// Null where the ISA has no such operation.
ReduceFunction reduce_function(ReduceName name, ptx::Type type, FloatRule rule);

// Over the lanes of `group`, which is not empty.
std::uint32_t reduce(const std::uint32_t* values, LaneMask group, ReduceFunction function,
                     ptx::Type type, FloatRule rule);

}  // namespace moe::simt
