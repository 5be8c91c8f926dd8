// What ptxas noted about the kernels of a cubin: register counts.
#pragma once
#include <map>
#include <string>
#include <string_view>

namespace moe::simt {

// Registers a thread of each kernel, by mangled name: the REGCOUNT attribute (0x2f) of section
// .nv.info. Throws FatbinError for a file that is not a 64-bit little-endian CUDA ELF.
std::map<std::string, int> registers_of(std::string_view cubin);

}  // namespace moe::simt
