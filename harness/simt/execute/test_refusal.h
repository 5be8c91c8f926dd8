// For tests: whether a statement is taken.
#pragma once
#include <string>

#include "harness/simt/machine/test_kernel.h"

namespace moe::simt {

// Decodes one statement in an entry with the registers of test_kernel.h, and .b128 %q0 to %q3,
// .f64 %d0 to %d3: empty, or the error.
inline std::string refusal(const std::string& statement) {
  const KernelCase test{.body = ".reg .b128 %q<4>; .reg .f64 %d<4>;\n" + statement + "\nret;",
                        .module_scope = ".const .align 8 .b32 fixed[2];"};
  Device device(architecture("100a"));
  try {
    const auto program = device.load(module_of(test), "test.ptx");
    device.kernel(program, "kernel");
  } catch (const ptx::Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace moe::simt
