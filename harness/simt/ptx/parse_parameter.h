// Reads the parameters and results of entries and functions. Source: PTX ISA 9.0, "Kernel and
// Function Directives: .entry, .func".
#pragma once
#include <vector>

#include "harness/simt/ptx/lexer.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt::ptx {

struct DeclaredParameter {
  Token name;
  Parameter parameter;       // its offset follows from the ones before it: natural alignment
  bool is_register = false;  // `.reg .u32 %x` of a .func
  Type type;
};

// `(.param .u64 a, .param .align 8 .b8 b[16])`, with the parentheses.
std::vector<DeclaredParameter> parse_parameters(Lexer& lexer);

}  // namespace moe::simt::ptx
