// Instructions that compute each lane's result from that lane's operands. An operation is a small
// type whose operator() takes and returns plain C++ values; `lanewise` runs it over the warp:
//   &lanewise<Add<std::uint32_t>, U32, U32, U32>
// Everything a modifier may change is in the operation's type, so no lane tests anything.
#pragma once
#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "harness/simt/execute/formats.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {

// How a value lies in a register (Register) and what an operation sees of it (Value).
template <std::integral T>
struct Int {
  using Value = T;
  using Register = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
  static constexpr Value load(Register bits) { return static_cast<T>(bits); }
  // Upper bits zero, those of a negative number too.
  static constexpr Register store(Value value) {
    return static_cast<std::make_unsigned_t<T>>(value);
  }
};
using U8 = Int<std::uint8_t>;
using S8 = Int<std::int8_t>;
using U16 = Int<std::uint16_t>;
using S16 = Int<std::int16_t>;
using U32 = Int<std::uint32_t>;
using S32 = Int<std::int32_t>;
using U64 = Int<std::uint64_t>;
using S64 = Int<std::int64_t>;

template <std::floating_point T>
struct Float {
  using Value = T;
  using Register = T;
  static constexpr Value load(T value) { return value; }
  static constexpr T store(T value) { return value; }
};
using F32 = Float<float>;
using F64 = Float<double>;

// A 16-bit format: computed with as float, rounded to nearest even when stored. With kFlush (.ftz)
// its subnormals become zero and keep their sign, both ways.
template <FloatFormat const& F, bool kFlush = false>
struct Half {
  using Value = float;
  using Register = std::uint32_t;
  static constexpr std::uint32_t flush_code(std::uint32_t code) {
    if constexpr (!kFlush) return code;
    constexpr std::uint32_t kExponent = ((1u << F.exponent) - 1) << F.mantissa;
    // As a mask: a branch would be carried on into what follows, which then does not vectorise.
    const std::uint32_t normal = (code & kExponent) != 0 ? 0xffffu : 0x8000u;
    return code & normal;
  }
  static constexpr Value load(Register bits) { return decode<F>(flush_code(bits & 0xffff)); }
  static constexpr Register store(Value value) { return flush_code(encode<F>(value)); }
};
using F16 = Half<kF16>;
using Bf16 = Half<kBf16>;

// An operation says `static constexpr bool kSlow = true` when it does not vectorise, takes long, or
// is so rare that vectorising it is not worth the compiler's time: then lanes that are off are not
// computed.
template <class Op>
concept SlowOperation = requires {
  requires Op::kSlow;
};

// Two lanes of 16 bits in a register: operation Op of 16-bit layout L on both.
template <class Op, class L>
struct Twice {
  static constexpr bool kSlow = SlowOperation<Op>;
  template <class... Bits>
  constexpr std::uint32_t operator()(Bits... bits) const {
    const std::uint32_t low = L::store(Op{}(L::load(bits & 0xffff)...));
    const std::uint32_t high = L::store(Op{}(L::load(bits >> 16)...));
    return low | high << 16;
  }
};

// dst[lane] = op(src[lane]...). The pointers are arguments so that nothing is read again per lane.
// Flattened: in a file of many operations the compiler would stop inlining, and then not vectorise.
template <class D, class... S, class Op>
[[gnu::flatten]] void compute_lanes(Op op, LaneMask lanes, typename D::Register* dst,
                                    const typename S::Register*... src) {
  const auto compute = [=](int lane) {
    return D::store(static_cast<typename D::Value>(op(S::load(src[lane])...)));
  };
  if constexpr (SlowOperation<Op>) {
    for_each_lane(lanes, [&](int lane) { dst[lane] = compute(lane); });
  } else if (lanes == kAllLanes) {
#pragma GCC ivdep
    for (int lane = 0; lane < kLanes; ++lane) dst[lane] = compute(lane);
  } else {
    alignas(64) typename D::Register results[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) results[lane] = compute(lane);
#pragma GCC ivdep
    for (int lane = 0; lane < kLanes; ++lane) {
      dst[lane] = (lanes & (1u << lane)) != 0 ? results[lane] : dst[lane];
    }
  }
}

// An operation with a constructor from the instruction keeps what it needs of option or immediate.
template <class Op>
Op make_operation(const Instruction& instruction) {
  if constexpr (std::constructible_from<Op, const Instruction&>) {
    return Op(instruction);
  } else {
    return Op{};
  }
}

// The handler of an operation whose operands are src[0], src[1] ... and whose result is dst.
template <class Op, class D, class... S>
Outcome lanewise(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    compute_lanes<D, S...>(make_operation<Op>(instruction), lanes,
                           warp.value<typename D::Register>(instruction.dst),
                           warp.value<typename S::Register>(instruction.src[I])...);
  }
  (std::index_sequence_for<S...>{});
  return Outcome::kNext;
}

// The lanes for which a predicate of the operands holds, computed for all 32.
template <class Op, class... S>
[[gnu::flatten]] LaneMask lanes_where(const typename S::Register*... src) {
  LaneMask result = 0;
  for (int lane = 0; lane < kLanes; ++lane) {
    result |= Op{}(S::load(src[lane])...) ? 1u << lane : 0u;
  }
  return result;
}

inline void write_predicate(Warp& warp, Reg reg, LaneMask lanes, LaneMask value) {
  LaneMask& bits = warp.predicate(reg);
  bits = (bits & ~lanes) | (value & lanes);
}

// Lanes in which one of the first `count` sources is poisoned.
inline LaneMask poisoned_sources(Warp& warp, const Instruction& instruction, int count = 4) {
  LaneMask poisoned = 0;
  for (int i = 0; i < count; ++i) poisoned |= warp.poison(instruction.src[i]);
  return poisoned;
}

// Runs a handler of one destination and poisons as the run loop would: for handlers that are part
// of another, which marks poison itself.
inline void poison_like_default(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  warp.set_poison(instruction.dst, lanes, poisoned_sources(warp, instruction));
}

}  // namespace moe::simt
