#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace moe::cpu {

// The instruction sets there are kernels for; each includes those before it.
enum class Isa : std::uint8_t {
  kScalar,      // what every processor of the architecture has
  kAvx2,        // with FMA
  kAvx512,      // F, BW, DQ, VL
  kAvx512Vnni,  // sums of products of 16-bit whole numbers in one instruction
};

std::string_view to_string(Isa isa);

// Those this machine has, kScalar first.
std::span<const Isa> available_isas();

// The one that kernels prepared from now on use: the best this machine has, or the one that the
// environment variable MOEBENCH_ISA names. Throws UserError where that names none of this
// machine's.
Isa chosen_isa();

}  // namespace moe::cpu
