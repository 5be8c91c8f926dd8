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
  kAvx512Bf16,  // the same of bf16
  kAmxBf16,     // products of tiles of bf16
};

std::string_view to_string(Isa isa);

// Those this machine has, kScalar first.
std::span<const Isa> available_isas();

// The best this machine has. avx512-bf16 is that only where its instruction is faster than widening
// bf16 to f32, as a trial of some milliseconds tells: some processors start it every other cycle.
Isa best_isa();

// The one that kernels prepared from now on use: best_isa(), or the one that the environment
// variable MOEBENCH_ISA names. Throws UserError where that names none of this machine's.
Isa chosen_isa();

}  // namespace moe::cpu
