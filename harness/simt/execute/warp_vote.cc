// vote.sync, activemask, elect.sync and the warp barrier.
#include "harness/simt/execute/collective.h"
#include "harness/simt/execute/warp_barrier.h"
#include "harness/simt/execute/warp_collectives.h"
#include "harness/simt/machine/warp_access.h"

namespace moe::simt {
namespace {

enum class VoteMode : std::uint32_t { kAll, kAny, kUniform, kBallot };

// src[0]: the predicate; option: the mode.
void count_votes(Warp& warp, const Instruction& instruction, LaneMask group) {
  const LaneMask votes = warp.predicate(instruction.src[0]) & group;
  const LaneMask unknown = warp.poison(instruction.src[0]) & group;
  const LaneMask against = group & ~votes;
  bool result = false;
  bool decided = unknown == 0;  // known votes may settle it whatever the unknown ones are
  switch (static_cast<VoteMode>(instruction.option)) {
    case VoteMode::kBallot: {
      std::uint32_t* ballot = warp.value<std::uint32_t>(instruction.dst);
      for_each_lane(group, [&](int lane) { ballot[lane] = votes; });
      warp.set_poison(instruction.dst, group, decided ? 0 : group);
      return;
    }
    case VoteMode::kAll:
      result = against == 0;
      decided |= (against & ~unknown) != 0;
      break;
    case VoteMode::kAny:
      result = votes != 0;
      decided |= (votes & ~unknown) != 0;
      break;
    case VoteMode::kUniform:
      result = votes == 0 || against == 0;
      decided |= (votes & ~unknown) != 0 && (against & ~unknown) != 0;
      break;
  }
  set_predicate(warp, instruction.dst, group, result ? group : 0, decided ? 0 : group);
}

Outcome vote(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  check_members(warp, instruction, lanes);
  return for_each_group(warp, instruction, lanes, instruction.src[3],
                        [&](LaneMask group) { count_votes(warp, instruction, group); });
}

Outcome run_activemask(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  std::uint32_t* result = warp.value<std::uint32_t>(instruction.dst);
  for_each_lane(lanes, [&](int lane) { result[lane] = lanes; });
  warp.set_poison(instruction.dst, lanes, 0);
  return Outcome::kNext;
}

// The ISA leaves open which lane leads; it is the lowest on every GPU so far.
void choose_leader(Warp& warp, const Instruction& instruction, LaneMask group) {
  const std::uint32_t leader = std::countr_zero(group);
  std::uint32_t* result = warp.value<std::uint32_t>(instruction.dst);
  for_each_lane(group, [&](int lane) { result[lane] = leader; });
  warp.set_poison(instruction.dst, group, 0);
  set_predicate(warp, static_cast<Reg>(instruction.immediate), group, 1u << leader, 0);
}

Outcome elect(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  check_members(warp, instruction, lanes);
  return for_each_group(warp, instruction, lanes, instruction.src[3],
                        [&](LaneMask group) { choose_leader(warp, instruction, group); });
}

}  // namespace

Outcome warp_barrier(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const LaneMask poisoned = warp.poison(instruction.src[0]) & lanes;
  if (poisoned != 0) report_poison(warp, instruction, poisoned, "the member mask");
  return for_each_group(warp, instruction, lanes, instruction.src[0],
                        [&](LaneMask group) { synchronise_lanes(warp, group); });
}

Instruction decode_vote(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  Instruction instruction = make_collective(decoder, source, modifiers, vote, 2);
  const int mode = modifiers.take_one_of({"all", "any", "uni", "ballot"});
  if (mode < 0) decoder.fail("vote needs .all, .any, .uni or .ballot");
  instruction.option = static_cast<std::uint32_t>(mode);
  const bool ballot = static_cast<VoteMode>(mode) == VoteMode::kBallot;
  if (!modifiers.take(ballot ? "b32" : "pred")) {
    decoder.fail(ballot ? "vote.ballot gives .b32" : "vote gives .pred");
  }
  instruction.src[0] = decoder.source(source.operands[1], {ptx::Type::Kind::kPredicate, 1});
  instruction.dst = ballot ? sized_destination(decoder, source.operands[0], 32)
                           : decoder.destination(source.operands[0]);
  return instruction;
}

Instruction decode_activemask(Decoder& decoder, const ptx::Instruction& source,
                              Modifiers& modifiers) {
  if (!modifiers.take("b32")) decoder.fail("activemask gives .b32");
  if (source.operands.size() != 1) decoder.fail("one operand is needed");
  Instruction instruction;
  instruction.handler = run_activemask;
  instruction.kind = InstructionClass::kShuffle;
  instruction.splits = true;
  instruction.own_poison = true;
  instruction.dst = sized_destination(decoder, source.operands[0], 32);
  return instruction;
}

Instruction decode_elect(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  Instruction instruction = make_collective(decoder, source, modifiers, elect, 1);
  if (source.operands[0].kind != ptx::Operand::Kind::kPair) {
    decoder.fail("elect needs a predicate: d|p");
  }
  set_destinations(decoder, source.operands[0], instruction);
  return instruction;
}

}  // namespace moe::simt
