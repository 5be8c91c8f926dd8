// Shared by the tests of this folder: short texts to a module, a function, an instruction or an
// error.
#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "harness/simt/ptx/syntax.h"

namespace moe::simt::ptx {

// The message of the Error that the text of file `t.ptx` causes; "" if it causes none.
inline std::string error_of(std::string_view text) {
  try {
    parse(text, "t.ptx");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// Line 1 declares, line 2 is the body: registers %r0..%r7, %rd0.., %f0.., %p0.. and parameter `a`.
inline std::string kernel_with(std::string_view body) {
  return fmt::format(
      ".entry k(.param .u64 a) {{ .reg .b32 %r<8>; .reg .b64 %rd<4>; .reg .f32 %f<4>; .reg .pred "
      "%p<4>;\n{}\n}}\n",
      body);
}

inline Function body_of(std::string_view body) {
  return parse(kernel_with(body), "t.ptx").functions.at(0);
}

inline std::string body_error(std::string_view body) { return error_of(kernel_with(body)); }

inline Instruction instruction(std::string_view text) { return body_of(text).body.at(0); }

// Indices of kernel_with's registers.
inline constexpr int kR0 = 0, kRd0 = 8, kF0 = 12, kP0 = 16;

}  // namespace moe::simt::ptx
