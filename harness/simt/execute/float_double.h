// add sub mul fma div rcp sqrt of f64. Source: PTX ISA 9.0, "Floating Point Instructions".
#pragma once
#include "harness/simt/execute/formats.h"
#include "harness/simt/machine/instruction.h"

namespace moe::simt {

enum class DoubleOperation : std::uint8_t { kAdd, kSub, kMul, kFma, kDiv, kRcp, kSqrt };

// The handler of dst = operation(src[0], src[1], src[2]) rounded so.
Handler double_handler(DoubleOperation operation, Rounding rounding);

}  // namespace moe::simt
