// cvt of two values at once: to f16x2, bf16x2, e4m3x2, e5m2x2 from two f32 (the first operand goes
// to the upper half), between f16x2 and the 8-bit pairs; and cvt.pack.
#include "harness/simt/execute/conversion.h"
#include "harness/simt/execute/elementwise_decode.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

bool is_f8(ptx::Type type) {
  return (type.kind == Kind::kE4m3 || type.kind == Kind::kE5m2) && type.lanes == 2;
}
bool is_f16x2(ptx::Type type) {
  return type.kind == Kind::kFloat && type.bits == 16 && type.lanes == 2;
}
bool is_bf16x2(ptx::Type type) { return type.kind == Kind::kBfloat && type.lanes == 2; }
bool is_f32(ptx::Type type) {
  return type.kind == Kind::kFloat && type.bits == 32 && type.lanes == 1;
}

// d = {F(upper), F(lower)}.
template <class Convert, int kBits>
struct PackTwo {
  std::uint32_t operator()(float upper, float lower) const {
    return Convert{}(upper) << kBits | Convert{}(lower);
  }
};

// Two f16 to two 8-bit values.
template <class Convert>
struct NarrowTwo {
  std::uint32_t operator()(std::uint32_t pair) const {
    return Convert{}(from_f16(pair >> 16)) << 8 | Convert{}(from_f16(pair & 0xffff));
  }
};

// Two 8-bit values to two f16: exact.
template <FloatFormat const& F, bool kRelu>
struct WidenTwo {
  static std::uint32_t one(std::uint32_t code) {
    const float value = decode<F>(code & 0xff);
    return to_f16(kRelu ? relu(value) : value);
  }
  std::uint32_t operator()(std::uint32_t pair) const { return one(pair >> 8) << 16 | one(pair); }
};

template <FloatFormat const& F, Rounding R, int kBits>
Handler pack_handler(const Conversion& conversion) {
  return with_flag(conversion.relu, [&](auto relu) {
    return with_flag(conversion.satfinite, [&](auto finite) -> Handler {
      constexpr Limit kLimit = relu.value ? (finite.value ? Limit::kReluSatfinite : Limit::kRelu)
                                          : (finite.value ? Limit::kSatfinite : Limit::kNone);
      return &lanewise<PackTwo<ToFormat<F, R, kLimit>, kBits>, U32, F32, F32>;
    });
  });
}

template <FloatFormat const& F>
Handler pack_halves(const Conversion& conversion) {
  switch (conversion.rounding) {
    case Rounding::kNearest:
      return pack_handler<F, Rounding::kNearest, 16>(conversion);
    case Rounding::kZero:
      return pack_handler<F, Rounding::kZero, 16>(conversion);
    default:
      return nullptr;
  }
}

template <FloatFormat const& F>
Handler narrow_handler(const Conversion& conversion) {
  constexpr Rounding kNearest = Rounding::kNearest;
  return conversion.relu
             ? &lanewise<NarrowTwo<ToFormat<F, kNearest, Limit::kReluSatfinite>>, U32, U32>
             : &lanewise<NarrowTwo<ToFormat<F, kNearest, Limit::kSatfinite>>, U32, U32>;
}

template <FloatFormat const& F>
Handler widen_handler(const Conversion& conversion) {
  return conversion.relu ? &lanewise<WidenTwo<F, true>, U32, U32>
                         : &lanewise<WidenTwo<F, false>, U32, U32>;
}

// From two f32.
Handler from_singles(Decoder& decoder, const Conversion& conversion) {
  if (is_f16x2(conversion.to)) return pack_halves<kF16>(conversion);
  if (is_bf16x2(conversion.to)) return pack_halves<kBf16>(conversion);
  if (conversion.rounding != Rounding::kNearest || !conversion.satfinite) {
    decoder.fail("8-bit formats need .rn.satfinite");
  }
  return conversion.to.kind == Kind::kE4m3 ? pack_handler<kE4m3, Rounding::kNearest, 8>(conversion)
                                           : pack_handler<kE5m2, Rounding::kNearest, 8>(conversion);
}

Handler from_pair(Decoder& decoder, const Conversion& conversion) {
  if (conversion.rounding != Rounding::kNearest) decoder.fail("expected .rn");
  if (is_f8(conversion.to) && is_f16x2(conversion.from)) {
    if (!conversion.satfinite) decoder.fail("8-bit formats need .satfinite");
    return conversion.to.kind == Kind::kE4m3 ? narrow_handler<kE4m3>(conversion)
                                             : narrow_handler<kE5m2>(conversion);
  }
  if (is_f16x2(conversion.to) && is_f8(conversion.from) && !conversion.satfinite) {
    return conversion.from.kind == Kind::kE4m3 ? widen_handler<kE4m3>(conversion)
                                               : widen_handler<kE5m2>(conversion);
  }
  return nullptr;
}

// cvt.pack.sat: d = {T(a), T(b)}, T of 16 bits, clamped.
template <std::integral T>
struct PackIntegers {
  std::uint32_t operator()(std::int32_t upper, std::int32_t lower) const {
    using Bits = std::make_unsigned_t<T>;
    const ToInteger<T, true> clamp;
    return std::uint32_t{static_cast<Bits>(clamp(upper))} << 16 | static_cast<Bits>(clamp(lower));
  }
};

// The same with 8 bits: the pair goes to the low half of d, the low half of c to the upper one.
template <std::integral T>
struct PackBytes {
  std::uint32_t operator()(std::int32_t upper, std::int32_t lower, std::uint32_t c) const {
    const ToInteger<T, true> clamp;
    const std::uint32_t high = static_cast<std::uint8_t>(clamp(upper));
    const std::uint32_t low = static_cast<std::uint8_t>(clamp(lower));
    return c << 16 | high << 8 | low;
  }
};

}  // namespace

bool is_packed_conversion(const Conversion& conversion) {
  return conversion.to.lanes == 2 || conversion.from.lanes == 2;
}

Instruction decode_packed_conversion(Decoder& decoder, const ptx::Instruction& source,
                                     const Conversion& conversion) {
  if (!conversion.rounds || conversion.ftz || conversion.sat || conversion.to_integral) {
    decoder.fail("packed conversions have a rounding, .relu and .satfinite only");
  }
  const bool known = is_f16x2(conversion.to) || is_bf16x2(conversion.to) || is_f8(conversion.to);
  if (known && is_f32(conversion.from)) {
    return decode_lanewise(decoder, source, from_singles(decoder, conversion),
                           InstructionClass::kConversion, {conversion.from, conversion.from});
  }
  return decode_lanewise(decoder, source, from_pair(decoder, conversion),
                         InstructionClass::kConversion,
                         {is_f8(conversion.from) ? kBits16 : kBits32});
}

Instruction decode_pack(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  if (!modifiers.take("sat")) decoder.fail("expected .sat");
  const ptx::Type to = modifiers.need_type();
  const ptx::Type from = modifiers.need_type();
  if (from.kind != Kind::kSigned || from.bits != 32) decoder.fail("expected .s32 operands");
  const bool is_signed = to.kind == Kind::kSigned;
  if (!is_integer(to) || to.kind == Kind::kBits || to.lanes != 1) decoder.fail("no such result");
  if (to.bits == 16) {
    return decode_lanewise(decoder, source,
                           is_signed ? &lanewise<PackIntegers<std::int16_t>, U32, S32, S32>
                                     : &lanewise<PackIntegers<std::uint16_t>, U32, S32, S32>,
                           InstructionClass::kConversion, {from, from});
  }
  if (to.bits != 8 || modifiers.need_type() != kBits32) decoder.fail("no such form of cvt.pack");
  return decode_lanewise(decoder, source,
                         is_signed ? &lanewise<PackBytes<std::int8_t>, U32, S32, S32, U32>
                                   : &lanewise<PackBytes<std::uint8_t>, U32, S32, S32, U32>,
                         InstructionClass::kConversion, {from, from, kBits32});
}

}  // namespace moe::simt
