// div rcp sqrt rsqrt of f32 and f64. The .approx forms are computed in double and rounded to
// nearest: well within the errors that the PTX ISA allows them (1 or 2 ulp), but not the bits of
// any device.
#include "harness/simt/execute/elementwise_decode.h"
#include "harness/simt/execute/float.h"
#include "harness/simt/execute/float_double.h"
#include "harness/simt/execute/float_operations.h"

namespace moe::simt {
namespace {

// div.approx.f32: for |b| of 2^126 and more the result is 0, or NaN for an infinite a.
struct ApproximateDiv {
  float operator()(float a, float b) const {
    const float quotient = a / b;
    const bool large =
        (magnitude(b) > 0x1p126f) & (magnitude(b) < std::bit_cast<float>(0x7f800000));
    const float instead = a - a;  // 0, or NaN when a is infinite or NaN
    return large ? instead : quotient;
  }
};

struct ApproximateRsqrt {
  float operator()(float a) const {
    return static_cast<float>(1.0 / std::sqrt(static_cast<double>(a)));
  }
};

// rcp.approx.ftz.f64, rsqrt.approx.ftz.f64: only the upper 32 bits of operand and result count;
// subnormals are flushed.
template <class Op>
struct UpperHalfOnly {
  static constexpr bool kSlow = true;
  static double upper(double value) {
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(value) & 0xffffffff00000000;
    const bool subnormal = (bits & 0x7ff0000000000000) == 0;
    return std::bit_cast<double>(subnormal ? bits & 0x8000000000000000 : bits);
  }
  double operator()(double a) const { return upper(canonical_nan(Op{}(upper(a)))); }
};

struct Reciprocal {
  double operator()(double a) const { return 1.0 / a; }
};
struct ReciprocalRoot {
  double operator()(double a) const { return 1.0 / std::sqrt(a); }
};
struct CanonicalReciprocalRoot {
  double operator()(double a) const { return canonical_nan(1.0 / std::sqrt(a)); }
};

template <template <Rounding> class Op, class... S>
Handler rounded_handler(Rounding rounding, bool ftz) {
  return with_rounding(rounding, [&](auto mode) {
    return with_flag(ftz, [&](auto flushes) -> Handler {
      return &lanewise<Modified<Op<mode.value>, flushes.value>, F32, S...>;
    });
  });
}

// .f32 or .f64, never packed.
ptx::Type need_float(Decoder& decoder, Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  if (!is_float(type) || type.lanes != 1) decoder.fail("expected .f32 or .f64");
  return type;
}

// The rounding of a form that must have one.
Rounding need_rounding(Decoder& decoder, Modifiers& modifiers) {
  const Rounding rounding = take_rounding(modifiers, Rounding::kAway);
  if (rounding == Rounding::kAway) decoder.fail("expected .rn, .rz, .rm, .rp or .approx");
  return rounding;
}

Instruction decode_rcp(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const bool approx = modifiers.take("approx");
  const ptx::Type type = need_float(decoder, modifiers);
  const bool ftz = modifiers.take("ftz");
  if (type.bits == 64) {
    if (approx != ftz) decoder.fail("f64 has .approx.ftz together, or a rounding");
    const Handler handler =
        approx ? &lanewise<UpperHalfOnly<Reciprocal>, F64, F64>
               : double_handler(DoubleOperation::kRcp, need_rounding(decoder, modifiers));
    return decode_lanewise(decoder, source, handler, InstructionClass::kDouble, {type});
  }
  const Rounding rounding = approx ? Rounding::kNearest : need_rounding(decoder, modifiers);
  return decode_lanewise(decoder, source, rounded_handler<FloatRcp, F32>(rounding, ftz),
                         InstructionClass::kFloat, {type});
}

Instruction decode_sqrt(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const bool approx = modifiers.take("approx");
  const ptx::Type type = need_float(decoder, modifiers);
  const Rounding rounding = approx ? Rounding::kNearest : need_rounding(decoder, modifiers);
  if (type.bits == 64) {
    const Handler handler = approx ? nullptr : double_handler(DoubleOperation::kSqrt, rounding);
    return decode_lanewise(decoder, source, handler, InstructionClass::kDouble, {type});
  }
  const Handler handler = rounded_handler<FloatSqrt, F32>(rounding, modifiers.take("ftz"));
  return decode_lanewise(decoder, source, handler, InstructionClass::kFloat, {type});
}

Instruction decode_rsqrt(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  if (!modifiers.take("approx")) decoder.fail("expected .approx");
  const ptx::Type type = need_float(decoder, modifiers);
  const bool ftz = modifiers.take("ftz");
  if (type.bits == 64) {
    const Handler handler = ftz ? &lanewise<UpperHalfOnly<ReciprocalRoot>, F64, F64>
                                : &lanewise<CanonicalReciprocalRoot, F64, F64>;
    return decode_lanewise(decoder, source, handler, InstructionClass::kDouble, {type});
  }
  const Handler handler = ftz ? &lanewise<Modified<ApproximateRsqrt, true>, F32, F32>
                              : &lanewise<Modified<ApproximateRsqrt, false>, F32, F32>;
  return decode_lanewise(decoder, source, handler, InstructionClass::kFloat, {type});
}

}  // namespace

Instruction decode_float_div(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                             ptx::Type type) {
  if (type.lanes != 1) decoder.fail("no packed form");
  if (type.bits == 64) {
    const Handler handler =
        double_handler(DoubleOperation::kDiv, need_rounding(decoder, modifiers));
    return decode_lanewise(decoder, source, handler, InstructionClass::kDouble, {type, type});
  }
  const int approximation = modifiers.take_one_of({"approx", "full"});
  const bool ftz = modifiers.take("ftz");
  Handler handler = nullptr;
  if (approximation == 0) {
    handler = ftz ? &lanewise<Modified<ApproximateDiv, true>, F32, F32, F32>
                  : &lanewise<Modified<ApproximateDiv, false>, F32, F32, F32>;
  } else {
    const Rounding rounding =
        approximation == 1 ? Rounding::kNearest : need_rounding(decoder, modifiers);
    handler = rounded_handler<FloatDiv, F32, F32>(rounding, ftz);
  }
  return decode_lanewise(decoder, source, handler, InstructionClass::kFloat, {type, type});
}

void add_quotient_opcodes(OpcodeTable& table) {
  table["rcp"] = decode_rcp;
  table["sqrt"] = decode_sqrt;
  table["rsqrt"] = decode_rsqrt;
}

}  // namespace moe::simt
