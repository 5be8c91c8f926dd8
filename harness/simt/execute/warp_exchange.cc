// shfl.sync and match.sync.
#include "harness/simt/execute/warp_exchange.h"

#include <array>

#include "harness/simt/execute/collective.h"
#include "harness/simt/execute/warp_collectives.h"
#include "harness/simt/machine/warp_access.h"

namespace moe::simt {

ShuffleSource shuffle_source(ShuffleMode mode, int lane, std::uint32_t offset,
                             std::uint32_t clamp) {
  const int by = static_cast<int>(offset & 31);
  const int limit = static_cast<int>(clamp & 31);
  const int segment = static_cast<int>(clamp >> 8 & 31);
  const int lowest = lane & segment;
  const int highest = lowest | (limit & ~segment);
  int from = lane;
  bool in_range = false;
  switch (mode) {
    case ShuffleMode::kUp:
      from = lane - by;
      in_range = from >= highest;  // c names the lower bound here
      break;
    case ShuffleMode::kDown:
      from = lane + by;
      in_range = from <= highest;
      break;
    case ShuffleMode::kButterfly:
      from = lane ^ by;
      in_range = from <= highest;
      break;
    case ShuffleMode::kIndex:
      from = lowest | (by & ~segment);
      in_range = from <= highest;
      break;
  }
  return {in_range ? from : lane, in_range};
}

namespace {

constexpr ptx::Type kBits32{ptx::Type::Kind::kBits, 32};
constexpr ptx::Type kBits64{ptx::Type::Kind::kBits, 64};

// ---- shfl ----

// src: value, offset, clamp, members; option: the mode; immediate: the predicate.
void exchange(Warp& warp, const Instruction& instruction, LaneMask group) {
  std::array<std::uint32_t, kLanes> values;  // a copy: the destination may be the source
  const std::uint32_t* source = warp.value<std::uint32_t>(instruction.src[0]);
  const std::uint32_t* offset = warp.value<std::uint32_t>(instruction.src[1]);
  const std::uint32_t* clamp = warp.value<std::uint32_t>(instruction.src[2]);
  const LaneMask no_value = warp.poison(instruction.src[0]) | ~group;
  const LaneMask no_place = warp.poison(instruction.src[1]) | warp.poison(instruction.src[2]);
  const ShuffleMode mode = static_cast<ShuffleMode>(instruction.option);
  LaneMask in_range = 0;
  LaneMask poisoned = no_place;
  for_each_lane(group, [&](int lane) {
    const ShuffleSource from = shuffle_source(mode, lane, offset[lane], clamp[lane]);
    values[lane] = source[from.lane];
    in_range |= from.in_range ? 1u << lane : 0u;
    // A lane outside the group gives a value that is not defined.
    poisoned |= has_lane(no_value, from.lane) ? 1u << lane : 0u;
  });
  std::uint32_t* result = warp.value<std::uint32_t>(instruction.dst);
  for_each_lane(group, [&](int lane) { result[lane] = values[lane]; });
  warp.set_poison(instruction.dst, group, poisoned);
  set_predicate(warp, static_cast<Reg>(instruction.immediate), group, in_range, no_place);
}

Outcome shuffle(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  check_members(warp, instruction, lanes);
  return for_each_group(warp, instruction, lanes, instruction.src[3],
                        [&](LaneMask group) { exchange(warp, instruction, group); });
}

// ---- match ----

// For each lane of the group the lanes with an equal value.
template <class T>
std::array<LaneMask, kLanes> equal_lanes(const T* values, LaneMask group) {
  std::array<LaneMask, kLanes> equal{};
  for (LaneMask rest = group; rest != 0;) {
    const T value = values[std::countr_zero(rest)];
    LaneMask same = 0;
    for_each_lane(rest, [&](int lane) { same |= values[lane] == value ? 1u << lane : 0u; });
    for_each_lane(same, [&](int lane) { equal[lane] = same; });
    rest &= ~same;
  }
  return equal;
}

// src[0]: value; option: 1 for .all; immediate: the predicate.
template <class T>
void compare(Warp& warp, const Instruction& instruction, LaneMask group) {
  const bool all = instruction.option != 0;
  const auto equal = equal_lanes(warp.value<T>(instruction.src[0]), group);
  const LaneMask poisoned = (warp.poison(instruction.src[0]) & group) != 0 ? group : 0;
  const bool unanimous = equal[std::countr_zero(group)] == group;
  std::uint32_t* result = warp.value<std::uint32_t>(instruction.dst);
  for_each_lane(group, [&](int lane) { result[lane] = all && !unanimous ? 0 : equal[lane]; });
  warp.set_poison(instruction.dst, group, poisoned);
  set_predicate(warp, static_cast<Reg>(instruction.immediate), group, unanimous ? group : 0,
                poisoned);
}

template <class T>
Outcome match(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  check_members(warp, instruction, lanes);
  return for_each_group(warp, instruction, lanes, instruction.src[3],
                        [&](LaneMask group) { compare<T>(warp, instruction, group); });
}

}  // namespace

Instruction decode_shuffle(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  Instruction instruction = make_collective(decoder, source, modifiers, shuffle, 4);
  const int mode = modifiers.take_one_of({"up", "down", "bfly", "idx"});
  if (mode < 0) decoder.fail("shfl needs .up, .down, .bfly or .idx");
  if (!modifiers.take("b32")) decoder.fail("shfl moves .b32");
  instruction.option = static_cast<std::uint32_t>(mode);
  for (int i = 0; i < 3; ++i) {
    instruction.src[i] = sized_source(decoder, source.operands[i + 1], kBits32);
  }
  set_destinations(decoder, source.operands[0], instruction);
  return instruction;
}

Instruction decode_match(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  Instruction instruction = make_collective(decoder, source, modifiers, match<std::uint32_t>, 2);
  const int mode = modifiers.take_one_of({"any", "all"});
  if (mode < 0) decoder.fail("match needs .any or .all");
  if (mode == 0 && source.operands[0].kind == ptx::Operand::Kind::kPair) {
    decoder.fail("match.any has no predicate");
  }
  instruction.option = static_cast<std::uint32_t>(mode);
  const ptx::Type type = modifiers.need_type();
  if (type != kBits32 && type != kBits64) decoder.fail("match compares .b32 or .b64");
  if (type == kBits64) instruction.handler = match<std::uint64_t>;
  instruction.src[0] = sized_source(decoder, source.operands[1], type);
  set_destinations(decoder, source.operands[0], instruction);
  return instruction;
}

}  // namespace moe::simt
