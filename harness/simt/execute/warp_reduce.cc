// redux.sync.
#include "harness/simt/execute/warp_reduce.h"

#include <cmath>

#include "harness/simt/execute/atomic_operation.h"
#include "harness/simt/execute/collective.h"
#include "harness/simt/execute/warp_collectives.h"

namespace moe::simt {
namespace {

using namespace atomics;
using Kind = ptx::Type::Kind;

float as_float(std::uint32_t bits) { return std::bit_cast<float>(bits); }

// The number if one is NaN; with kNan the NaN.
template <bool kGreater, bool kNan>
std::uint32_t extreme_bits(std::uint32_t a, std::uint32_t b) {
  const bool nan = std::isnan(as_float(a)) || std::isnan(as_float(b));
  if (kNan && nan) return kNanF32;
  return std::bit_cast<std::uint32_t>(extreme<kGreater>(as_float(a), as_float(b)));
}

template <AtomicFunction kFunction>
std::uint32_t narrow(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::uint32_t>(kFunction(a, b));
}

ReduceFunction integer_function(ReduceName name, bool is_signed) {
  switch (name) {
    case ReduceName::kAdd:
      return [](std::uint32_t a, std::uint32_t b) { return a + b; };
    case ReduceName::kMin:
      return is_signed ? narrow<min_integer<std::int32_t>> : narrow<min_integer<std::uint32_t>>;
    case ReduceName::kMax:
      return is_signed ? narrow<max_integer<std::int32_t>> : narrow<max_integer<std::uint32_t>>;
    default:
      return nullptr;
  }
}

ReduceFunction bit_function(ReduceName name) {
  switch (name) {
    case ReduceName::kAnd:
      return [](std::uint32_t a, std::uint32_t b) { return a & b; };
    case ReduceName::kOr:
      return [](std::uint32_t a, std::uint32_t b) { return a | b; };
    case ReduceName::kXor:
      return [](std::uint32_t a, std::uint32_t b) { return a ^ b; };
    default:
      return nullptr;
  }
}

struct Redux : Extra {
  ReduceFunction function = nullptr;
  ptx::Type type;
  FloatRule rule;
};

void reduce_group(Warp& warp, const Instruction& instruction, LaneMask group) {
  const auto& redux = instruction.as<Redux>();
  const std::uint32_t value = reduce(warp.value<std::uint32_t>(instruction.src[0]), group,
                                     redux.function, redux.type, redux.rule);
  const bool poisoned = (warp.poison(instruction.src[0]) & group) != 0;
  std::uint32_t* result = warp.value<std::uint32_t>(instruction.dst);
  for_each_lane(group, [&](int lane) { result[lane] = value; });
  warp.set_poison(instruction.dst, group, poisoned ? group : 0);
}

Outcome run_redux(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  check_members(warp, instruction, lanes);
  return for_each_group(warp, instruction, lanes, instruction.src[3],
                        [&](LaneMask group) { reduce_group(warp, instruction, group); });
}

}  // namespace

ReduceFunction reduce_function(ReduceName name, ptx::Type type, FloatRule rule) {
  if (type.bits != 32 || type.lanes != 1) return nullptr;
  if (type.kind == Kind::kFloat) {
    if (name == ReduceName::kMin) {
      return rule.nan_propagates ? extreme_bits<false, true> : extreme_bits<false, false>;
    }
    if (name == ReduceName::kMax) {
      return rule.nan_propagates ? extreme_bits<true, true> : extreme_bits<true, false>;
    }
    return nullptr;
  }
  if (rule.absolute || rule.nan_propagates) return nullptr;
  if (type.kind == Kind::kBits) return bit_function(name);
  if (type.kind == Kind::kUnsigned) return integer_function(name, false);
  if (type.kind == Kind::kSigned) return integer_function(name, true);
  return nullptr;
}

std::uint32_t reduce(const std::uint32_t* values, LaneMask group, ReduceFunction function,
                     ptx::Type type, FloatRule rule) {
  const std::uint32_t keep = rule.absolute ? 0x7fffffffu : 0xffffffffu;
  std::uint32_t result = values[std::countr_zero(group)] & keep;
  for_each_lane(group & (group - 1),
                [&](int lane) { result = function(result, values[lane] & keep); });
  // A result that is NaN (all were, or .NaN) is the canonical one.
  if (type.kind == Kind::kFloat && std::isnan(as_float(result))) result = kNanF32;
  return result;
}

Instruction decode_redux(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  Instruction instruction = make_collective(decoder, source, modifiers, run_redux, 2);
  const int name = modifiers.take_one_of({"add", "min", "max", "and", "or", "xor"});
  if (name < 0) decoder.fail("redux needs an operation: .add, .min, .max, .and, .or or .xor");
  auto redux = std::make_shared<Redux>();
  redux->rule = {.absolute = modifiers.take("abs"), .nan_propagates = modifiers.take("NaN")};
  redux->type = modifiers.need_type();
  redux->function = reduce_function(static_cast<ReduceName>(name), redux->type, redux->rule);
  if (redux->function == nullptr) decoder.fail("there is no such operation on that type");
  instruction.src[0] = sized_source(decoder, source.operands[1], redux->type);
  instruction.dst = sized_destination(decoder, source.operands[0], 32);
  instruction.extra = std::move(redux);
  return instruction;
}

}  // namespace moe::simt
