// The names of special registers. Source: PTX ISA 9.0, "Special Registers".
#pragma once
#include <string_view>

namespace moe::simt::ptx {

// True for `%tid.x`, `%laneid`, `%clock64`, `WARP_SZ` ..., with the component where there is one.
bool is_special_register(std::string_view name);

}  // namespace moe::simt::ptx
