// The lanes in which two operands compare so.
#include "harness/simt/execute/compare_lanes.h"

#include "harness/simt/execute/elementwise_decode.h"
#include "harness/simt/execute/float_operations.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

// A layout whose values are flushed when they are read.
struct FlushedF32 : F32 {
  static float load(float value) { return flush<true>(value); }
};

// One half of a packed register.
template <class L, int kShift>
struct Part : L {
  static constexpr typename L::Value load(std::uint32_t bits) {
    return L::load(bits >> kShift & 0xffff);
  }
};

template <class Op, class L>
ComparedLanes compare_scalar(Warp& warp, Reg a, Reg b) {
  using Register = typename L::Register;
  return {lanes_where<Op, L, L>(warp.value<Register>(a), warp.value<Register>(b)), 0};
}

template <class Op, class L>
ComparedLanes compare_packed(Warp& warp, Reg a, Reg b) {
  using Low = Part<L, 0>;
  using High = Part<L, 16>;
  const std::uint32_t* x = warp.value<std::uint32_t>(a);
  const std::uint32_t* y = warp.value<std::uint32_t>(b);
  return {lanes_where<Op, Low, Low>(x, y), lanes_where<Op, High, High>(x, y)};
}

// One entry a comparison. Integers have the first six only.
template <class L, bool kPacked = false>
CompareFunction function_of(Comparison comparison) {
  static constexpr auto kEntry = []<Comparison kWhich>() -> CompareFunction {
    if constexpr (std::is_integral_v<typename L::Value> && kWhich > Comparison::kGe) {
      return nullptr;
    } else if constexpr (kPacked) {
      return &compare_packed<Compare<kWhich>, L>;
    } else {
      return &compare_scalar<Compare<kWhich>, L>;
    }
  };
  static constexpr auto kTable = []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<CompareFunction, sizeof...(I)>{
        kEntry.template operator()<static_cast<Comparison>(I)>()...};
  }
  (std::make_index_sequence<static_cast<std::size_t>(Comparison::kNan) + 1>{});
  return kTable[static_cast<std::size_t>(comparison)];
}

CompareFunction half_function(Comparison comparison, ptx::Type type, bool ftz) {
  const bool packed = type.lanes == 2;
  if (type.kind == Kind::kBfloat) {
    return packed ? function_of<Bf16, true>(comparison) : function_of<Bf16>(comparison);
  }
  using Flushed = Half<kF16, true>;
  if (ftz) {
    return packed ? function_of<Flushed, true>(comparison) : function_of<Flushed>(comparison);
  }
  return packed ? function_of<F16, true>(comparison) : function_of<F16>(comparison);
}

CompareFunction integer_function(Comparison comparison, ptx::Type type) {
  const bool is_signed = type.kind == Kind::kSigned;
  const bool only_equality = type.kind == Kind::kBits;
  if (type.lanes != 1 || (only_equality && comparison > Comparison::kNe)) return nullptr;
  switch (type.bits) {
    case 16:
      return is_signed ? function_of<S16>(comparison) : function_of<U16>(comparison);
    case 32:
      return is_signed ? function_of<S32>(comparison) : function_of<U32>(comparison);
    case 64:
      return is_signed ? function_of<S64>(comparison) : function_of<U64>(comparison);
    default:
      return nullptr;
  }
}

}  // namespace

Comparison take_comparison(Decoder& decoder, Modifiers& modifiers) {
  const int plain = modifiers.take_one_of(
      {"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"});
  if (plain >= 0) return static_cast<Comparison>(plain);
  const int of_unsigned = modifiers.take_one_of({"lo", "ls", "hi", "hs"});
  if (of_unsigned < 0) decoder.fail("expected a comparison");
  return static_cast<Comparison>(static_cast<int>(Comparison::kLt) + of_unsigned);
}

CompareFunction compare_function(Decoder& decoder, Comparison comparison, ptx::Type type,
                                 bool ftz) {
  CompareFunction function = nullptr;
  if (is_integer(type) && !ftz) {
    function = integer_function(comparison, type);
  } else if (is_half(type) && !(ftz && type.kind == Kind::kBfloat)) {
    function = half_function(comparison, type, ftz);
  } else if (is_float(type) && type.lanes == 1) {
    if (type.bits == 64 && !ftz) function = function_of<F64>(comparison);
    if (type.bits == 32) {
      function = ftz ? function_of<FlushedF32>(comparison) : function_of<F32>(comparison);
    }
  }
  if (function == nullptr) decoder.fail("this type has no such comparison");
  return function;
}

Combine take_combine(Modifiers& modifiers) {
  return static_cast<Combine>(modifiers.take_one_of({"and", "or", "xor"}) + 1);
}

// A known false (true) of either side decides `and` (`or`).
Combined combine(Combine how, Combined a, Combined b) {
  switch (how) {
    case Combine::kAnd:
      return {a.value & b.value,
              (a.poisoned | b.poisoned) & (a.poisoned | a.value) & (b.poisoned | b.value)};
    case Combine::kOr:
      return {a.value | b.value,
              (a.poisoned | b.poisoned) & (a.poisoned | ~a.value) & (b.poisoned | ~b.value)};
    case Combine::kXor:
      return {a.value ^ b.value, a.poisoned | b.poisoned};
    default:
      return a;
  }
}

}  // namespace moe::simt
