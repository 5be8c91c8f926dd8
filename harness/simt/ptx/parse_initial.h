// Reads the initial values of a variable. Source: PTX ISA 9.0, "Initializers".
#pragma once
#include "harness/simt/ptx/lexer.h"
#include "harness/simt/ptx/parse_variable.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt::ptx {

// What stands behind `=`: fills variable.initial and .relocations. An unsized first dimension gets
// as many elements as are written. Throws Error for too many values, a value that does not fit its
// element, and an address in fewer than 8 bytes.
void parse_initial(Lexer& lexer, const ElementType& element, Dimensions& dimensions,
                   Variable& variable);

}  // namespace moe::simt::ptx
