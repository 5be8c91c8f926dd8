// Reads declarations of variables and parameters. Source: PTX ISA 9.0, "Variables" and "Kernel and
// Function Parameters".
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "harness/simt/ptx/lexer.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt::ptx {

// What stands before a name: `.align 8 .v2 .f32`, without the state space.
struct ElementType {
  Type type;
  int lanes = 1;      // of .v2 and .v4
  int align = 0;      // bytes; the natural one unless .align is given
  int bytes() const;  // of one element with all its lanes; a predicate takes one
};

// Also takes `.attribute(...)` of variables and `.ptr .global .align 4` of parameters, in any
// order.
ElementType parse_element_type(Lexer& lexer);

// `[4][2]` behind a name. `unsized`: the first is `[]`.
struct Dimensions {
  std::vector<std::int64_t> counts;
  bool unsized = false;
};
Dimensions parse_dimensions(Lexer& lexer);

// Bytes of so many elements. Throws Error, at `at`, above 2^40: such a number is a slip.
std::int64_t checked_bytes(const Lexer& lexer, const Token& at, const ElementType& element,
                           const Dimensions& dimensions);

struct DeclaredVariable {
  Token name;
  Variable variable;
};

// `.align 4 .u32 a = 1, b[2];`: all of a declaration behind its state space, with the semicolon.
std::vector<DeclaredVariable> parse_variables(Lexer& lexer, Space space, bool external);

}  // namespace moe::simt::ptx
