// Reads entries and functions: the header, then the body.
#pragma once
#include "harness/simt/ptx/lexer.h"
#include "harness/simt/ptx/scope.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt::ptx {

// From behind `.entry` or `.func` on. Its name is added to `module_names` before the body is read.
// A `.reg` parameter is a register of the function, of the parameter's name.
Function parse_function(Lexer& lexer, bool is_entry, NameSet& module_names);

}  // namespace moe::simt::ptx
