// What mma, ldmatrix and wgmma share: they are executed by all 32 lanes of a warp together.
#pragma once
#include <vector>

#include "harness/simt/execute/collective.h"
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

// As collect() for all 32 lanes. The ISA leaves an `.aligned` instruction of a warp with exited
// lanes undefined: that is reported, and the instruction is executed with the registers they left
// behind.
bool collect_warp(Warp& warp, const Instruction& instruction, LaneMask lanes);

// The parts of a `{...}` operand, as values of `type` or as registers to write. Fails unless there
// are `count`; `name` says which operand, for the message.
std::vector<Reg> vector_sources(Decoder& decoder, const ptx::Operand& operand, std::size_t count,
                                ptx::Type type, const char* name);
std::vector<Reg> vector_destinations(Decoder& decoder, const ptx::Operand& operand,
                                     std::size_t count, const char* name);

// Takes `.sync.aligned`; fails without.
void take_sync_aligned(Decoder& decoder, Modifiers& modifiers);

}  // namespace moe::simt
