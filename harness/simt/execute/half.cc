// add sub mul fma neg abs min max ex2 tanh of f16, bf16, f16x2 and bf16x2. Results are formed as
// float and rounded once more: harmless for sums and products of two (float has 24 digits, twice 11
// plus two), and for fma because the float is rounded to odd.
#include "harness/simt/execute/half.h"

#include "harness/simt/execute/elementwise_decode.h"
#include "harness/simt/execute/float_operations.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

struct Add {
  float operator()(float a, float b) const { return a + b; }
};
struct Sub {
  float operator()(float a, float b) const { return a - b; }
};
struct Mul {
  float operator()(float a, float b) const { return a * b; }
};

// The product of two f16 is exact in float; that of two bf16 may leave float's range, not double's.
template <class L>
struct Fma {
  float operator()(float a, float b, float c) const {
    if constexpr (std::is_same_v<L, F16> || std::is_same_v<L, Half<kF16, true>>) {
      return sum_to_odd(a * b, c);
    } else {
      return to_float<Rounding::kOdd>(
          sum_to_odd(static_cast<double>(a) * b, static_cast<double>(c)));
    }
  }
};

enum class Clamp { kNone, kSat, kRelu };

template <class Op, Clamp kClamp>
struct Clamped {
  static constexpr bool kSlow = kClamp == Clamp::kSat;  // rare
  template <class... T>
  float operator()(T... operands) const {
    const float result = Op{}(operands...);
    if constexpr (kClamp == Clamp::kSat) return saturate(result);
    if constexpr (kClamp == Clamp::kRelu) return relu(result);
    return result;
  }
};

// with_half(type, ftz, body<L>()) with L the layout of one value. bf16 has .ftz for ex2 alone.
template <class Body>
Handler with_half(ptx::Type type, bool ftz, Body&& body) {
  if (type.kind == Kind::kBfloat) return body.template operator()<Bf16>();
  return ftz ? body.template operator()<Half<kF16, true>>() : body.template operator()<F16>();
}

// Op on one value of layout L, or on both of a pair.
template <class Op, class L, int kSources>
Handler half_handler(bool packed) {
  if constexpr (kSources == 1) {
    return packed ? &lanewise<Twice<Op, L>, U32, U32> : &lanewise<Op, L, L>;
  } else if constexpr (kSources == 2) {
    return packed ? &lanewise<Twice<Op, L>, U32, U32, U32> : &lanewise<Op, L, L, L>;
  } else {
    return packed ? &lanewise<Twice<Op, L>, U32, U32, U32, U32> : &lanewise<Op, L, L, L, L>;
  }
}

// Registers of these types are bits: nvcc writes their constants as integers.
ptx::Type bits_of(ptx::Type type) { return type.lanes == 2 ? kBits32 : kBits16; }

// .ftz and .sat exist for f16 only.
bool take_for_f16(Modifiers& modifiers, ptx::Type type, std::string_view word) {
  return type.kind == Kind::kFloat && modifiers.take(word);
}

void take_nearest(Decoder& decoder, Modifiers& modifiers, bool needed) {
  if (!modifiers.take("rn") && needed) decoder.fail("expected .rn");
}

template <class Op>
Instruction decode_binary(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                          ptx::Type type) {
  take_nearest(decoder, modifiers, false);
  const bool ftz = take_for_f16(modifiers, type, "ftz");
  const bool sat = take_for_f16(modifiers, type, "sat");
  const Handler handler = with_half(type, ftz, [&]<class L>() -> Handler {
    return sat ? half_handler<Clamped<Op, Clamp::kSat>, L, 2>(type.lanes == 2)
               : half_handler<Clamped<Op, Clamp::kNone>, L, 2>(type.lanes == 2);
  });
  return decode_lanewise(decoder, source, handler, InstructionClass::kHalf,
                         {bits_of(type), bits_of(type)});
}

template <bool kMax>
Instruction decode_extremum(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                            ptx::Type type) {
  const bool ftz = take_for_f16(modifiers, type, "ftz");
  const bool nan = modifiers.take("NaN");
  const bool xorsign = modifiers.take("xorsign");
  if (xorsign && !modifiers.take("abs")) decoder.fail("expected .xorsign.abs");
  const Handler handler = with_half(type, ftz, [&]<class L>() -> Handler {
    return with_flag(nan, [&](auto nan) -> Handler {
      constexpr NanRule kRule = nan.value ? NanRule::kPropagated : NanRule::kIgnored;
      return xorsign ? half_handler<XorsignExtremum<kMax, kRule>, L, 2>(type.lanes == 2)
                     : half_handler<Extremum<kMax, kRule>, L, 2>(type.lanes == 2);
    });
  });
  return decode_lanewise(decoder, source, handler, InstructionClass::kHalf,
                         {bits_of(type), bits_of(type)});
}

// neg and abs change the sign bit alone, of NaN too.
template <bool kNegate, bool kFtz>
struct ChangeSign {
  std::uint32_t operator()(std::uint16_t value) const {
    const std::uint32_t code = Half<kF16, kFtz>::flush_code(value);
    return kNegate ? code ^ 0x8000 : code & 0x7fff;
  }
};

template <bool kNegate>
Instruction decode_sign(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                        ptx::Type type) {
  const bool ftz = take_for_f16(modifiers, type, "ftz");
  const Handler handler = with_flag(ftz, [&](auto ftz) -> Handler {
    return half_handler<ChangeSign<kNegate, ftz.value>, U16, 1>(type.lanes == 2);
  });
  return decode_lanewise(decoder, source, handler, InstructionClass::kHalf, {bits_of(type)});
}

using Function = double (*)(double);

template <Function kFunction>
struct Approximate {
  static constexpr bool kSlow = true;
  float operator()(float a) const { return static_cast<float>(kFunction(a)); }
};

template <Function kFunction>
Instruction decode_approximate(Decoder& decoder, const ptx::Instruction& source, ptx::Type type,
                               bool ftz) {
  const auto body = [&]<class L>() -> Handler {
    return half_handler<Approximate<kFunction>, L, 1>(type.lanes == 2);
  };
  const Handler handler = type.kind == Kind::kBfloat && ftz
                              ? body.template operator()<Half<kBf16, true>>()
                              : with_half(type, ftz, body);
  return decode_lanewise(decoder, source, handler, InstructionClass::kHalf, {bits_of(type)});
}

}  // namespace

Instruction decode_half_add(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                            ptx::Type type) {
  return decode_binary<Add>(decoder, source, modifiers, type);
}

Instruction decode_half_sub(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                            ptx::Type type) {
  return decode_binary<Sub>(decoder, source, modifiers, type);
}

Instruction decode_half_mul(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                            ptx::Type type) {
  return decode_binary<Mul>(decoder, source, modifiers, type);
}

Instruction decode_half_fma(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                            ptx::Type type) {
  take_nearest(decoder, modifiers, true);
  const bool ftz = take_for_f16(modifiers, type, "ftz");
  const bool sat = take_for_f16(modifiers, type, "sat");
  const bool clamp_negative = modifiers.take("relu");
  if (sat && clamp_negative) decoder.fail(".sat and .relu exclude each other");
  const Handler handler = with_half(type, ftz, [&]<class L>() -> Handler {
    const bool packed = type.lanes == 2;
    if (sat) return half_handler<Clamped<Fma<L>, Clamp::kSat>, L, 3>(packed);
    if (clamp_negative) return half_handler<Clamped<Fma<L>, Clamp::kRelu>, L, 3>(packed);
    return half_handler<Clamped<Fma<L>, Clamp::kNone>, L, 3>(packed);
  });
  const ptx::Type bits = bits_of(type);
  return decode_lanewise(decoder, source, handler, InstructionClass::kHalf, {bits, bits, bits});
}

Instruction decode_half_neg(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                            ptx::Type type) {
  return decode_sign<true>(decoder, source, modifiers, type);
}

Instruction decode_half_abs(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                            ptx::Type type) {
  return decode_sign<false>(decoder, source, modifiers, type);
}

Instruction decode_half_min(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                            ptx::Type type) {
  return decode_extremum<false>(decoder, source, modifiers, type);
}

Instruction decode_half_max(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                            ptx::Type type) {
  return decode_extremum<true>(decoder, source, modifiers, type);
}

// ex2.approx.f16 keeps subnormals; ex2.approx.ftz.bf16 has no other form.
Instruction decode_half_ex2(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                            ptx::Type type) {
  const bool is_bfloat = type.kind == Kind::kBfloat;
  if (is_bfloat && !modifiers.take("ftz")) decoder.fail("expected .ftz");
  return decode_approximate<std::exp2>(decoder, source, type, is_bfloat);
}

Instruction decode_half_tanh(Decoder& decoder, const ptx::Instruction& source, Modifiers&,
                             ptx::Type type) {
  return decode_approximate<std::tanh>(decoder, source, type, false);
}

}  // namespace moe::simt
