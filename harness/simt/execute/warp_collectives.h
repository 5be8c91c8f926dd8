// Decoders of the instructions that lanes of a warp execute together, and what they share.
// Source: PTX ISA 9.0, "shfl.sync", "vote.sync", "match.sync", "redux.sync", "elect.sync".
#pragma once
#include "harness/simt/machine/decoder.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {

Instruction decode_shuffle(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);
Instruction decode_match(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);
Instruction decode_vote(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);
Instruction decode_activemask(Decoder& decoder, const ptx::Instruction& source,
                              Modifiers& modifiers);
Instruction decode_elect(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);
Instruction decode_redux(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);

// A collective's instruction: splits, marks its own poison. Fails without .sync or with another
// number of operands. `members` is the index of the operand with the member mask; it becomes
// src[3].
Instruction make_collective(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                            Handler handler, std::size_t members);

// The register of an operand; fails if it is of another size than `bits`.
Reg sized_source(Decoder& decoder, const ptx::Operand& operand, ptx::Type type);
Reg sized_destination(Decoder& decoder, const ptx::Operand& operand, int bits);

// The registers of `d`, or of `d|p`: dst and, in `immediate`, the predicate (kNoReg: none).
void set_destinations(Decoder& decoder, const ptx::Operand& operand, Instruction& instruction);

// Reports lanes whose member mask was never given a value.
void check_members(Warp& warp, const Instruction& instruction, LaneMask lanes);

// Sets the predicate `reg` of `lanes` to `value`, poisoned where `poisoned` says; nothing for
// kNoReg.
void set_predicate(Warp& warp, Reg reg, LaneMask lanes, LaneMask value, LaneMask poisoned);

}  // namespace moe::simt
