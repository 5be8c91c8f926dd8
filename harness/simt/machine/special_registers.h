// PTX's special registers by name.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "harness/simt/machine/program.h"

namespace moe::simt {

struct SpecialRegister {
  Special which = Special::kZero;
  bool is_constant = false;
  std::uint64_t value = 0;  // of a constant
  std::string reason;       // why there is none
};

SpecialRegister find_special(std::string_view name);

}  // namespace moe::simt
