// neg abs min max copysign testp of f32 and f64.
#include "harness/simt/execute/elementwise_decode.h"
#include "harness/simt/execute/float.h"
#include "harness/simt/execute/float_operations.h"

namespace moe::simt {
namespace {

InstructionClass class_of(ptx::Type type) {
  return type.bits == 64 ? InstructionClass::kDouble : InstructionClass::kFloat;
}

template <class T>
struct CopySign {
  T operator()(T sign, T value) const { return std::copysign(value, sign); }
};

Instruction decode_copysign(Decoder& decoder, const ptx::Instruction& source,
                            Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  if (!is_float(type) || type.lanes != 1) decoder.fail("expected .f32 or .f64");
  const Handler handler = type.bits == 64 ? &lanewise<CopySign<double>, F64, F64, F64>
                                          : &lanewise<CopySign<float>, F32, F32, F32>;
  return decode_lanewise(decoder, source, handler, class_of(type), {type, type});
}

enum class Test { kFinite, kInfinite, kNumber, kNotANumber, kNormal, kSubnormal };

template <Test kTest>
struct TestProperty {
  template <class T>
  bool operator()(T value) const {
    switch (kTest) {
      case Test::kFinite:
        return std::isfinite(value);
      case Test::kInfinite:
        return std::isinf(value);
      case Test::kNumber:
        return !std::isnan(value);
      case Test::kNotANumber:
        return std::isnan(value);
      case Test::kNormal:
        return std::isnormal(value);
      default:
        return std::fpclassify(value) == FP_SUBNORMAL;
    }
  }
};

template <Test kTest, class L>
Outcome test_property(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const auto* a = warp.value<typename L::Register>(instruction.src[0]);
  write_predicate(warp, instruction.dst, lanes, lanes_where<TestProperty<kTest>, L>(a));
  return Outcome::kNext;
}

template <class L>
Handler test_handler(int test) {
  static constexpr Handler kHandlers[] = {
      &test_property<Test::kFinite, L>, &test_property<Test::kInfinite, L>,
      &test_property<Test::kNumber, L>, &test_property<Test::kNotANumber, L>,
      &test_property<Test::kNormal, L>, &test_property<Test::kSubnormal, L>};
  return test < 0 ? nullptr : kHandlers[test];
}

Instruction decode_testp(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const int test =
      modifiers.take_one_of({"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
  const ptx::Type type = modifiers.need_type();
  if (!is_float(type) || type.lanes != 1) decoder.fail("expected .f32 or .f64");
  const Handler handler = type.bits == 64 ? test_handler<F64>(test) : test_handler<F32>(test);
  return decode_lanewise(decoder, source, handler, InstructionClass::kPredicate, {type});
}

template <bool kFtz>
struct Negate {
  float operator()(float value) const { return flush<kFtz>(-value); }
  double operator()(double value) const { return -value; }
};

template <bool kFtz>
struct Absolute {
  float operator()(float value) const { return flush<kFtz>(magnitude(value)); }
  double operator()(double value) const { return std::fabs(value); }
};

template <template <bool> class Op>
Instruction decode_sign(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                        ptx::Type type) {
  Handler handler = nullptr;
  if (type.lanes == 1 && type.bits == 64) handler = &lanewise<Op<false>, F64, F64>;
  if (type.lanes == 1 && type.bits == 32) {
    handler =
        modifiers.take("ftz") ? &lanewise<Op<true>, F32, F32> : &lanewise<Op<false>, F32, F32>;
  }
  return decode_lanewise(decoder, source, handler, class_of(type), {type});
}

template <bool kMax>
Handler extremum2_handler(bool ftz, bool nan, bool xorsign) {
  return with_flag(ftz, [&](auto ftz) {
    return with_flag(nan, [&](auto nan) -> Handler {
      constexpr NanRule kRule = nan.value ? NanRule::kPropagated : NanRule::kIgnored;
      return xorsign ? &lanewise<Modified<XorsignExtremum<kMax, kRule>, ftz.value>, F32, F32, F32>
                     : &lanewise<Modified<Extremum<kMax, kRule>, ftz.value>, F32, F32, F32>;
    });
  });
}

template <bool kMax>
Handler extremum3_handler(bool ftz, bool nan, bool abs) {
  return with_flag(ftz, [&](auto ftz) {
    return with_flag(nan, [&](auto nan) {
      return with_flag(abs, [&](auto abs) -> Handler {
        constexpr NanRule kRule = nan.value ? NanRule::kPropagated : NanRule::kIgnored;
        using Op = Modified<Extremum3<kMax, kRule, abs.value>, ftz.value>;
        return &lanewise<Op, F32, F32, F32, F32>;
      });
    });
  });
}

template <bool kMax>
Instruction decode_extremum(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                            ptx::Type type) {
  if (type.lanes != 1) decoder.fail("no packed form");
  if (type.bits == 64) {
    return decode_lanewise(decoder, source,
                           &lanewise<Extremum<kMax, NanRule::kIgnored>, F64, F64, F64>,
                           InstructionClass::kDouble, {type, type});
  }
  const bool ftz = modifiers.take("ftz");
  const bool nan = modifiers.take("NaN");
  const bool xorsign = modifiers.take("xorsign");
  const bool abs = modifiers.take("abs");
  if (source.operands.size() == 4) {
    if (xorsign) decoder.fail(".xorsign is for two operands");
    return decode_lanewise(decoder, source, extremum3_handler<kMax>(ftz, nan, abs),
                           InstructionClass::kFloat, {type, type, type});
  }
  if (xorsign != abs) decoder.fail("with two operands .xorsign and .abs go together");
  return decode_lanewise(decoder, source, extremum2_handler<kMax>(ftz, nan, xorsign),
                         InstructionClass::kFloat, {type, type});
}

}  // namespace

Instruction decode_float_neg(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                             ptx::Type type) {
  return decode_sign<Negate>(decoder, source, modifiers, type);
}

Instruction decode_float_abs(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                             ptx::Type type) {
  return decode_sign<Absolute>(decoder, source, modifiers, type);
}

Instruction decode_float_min(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                             ptx::Type type) {
  return decode_extremum<false>(decoder, source, modifiers, type);
}

Instruction decode_float_max(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                             ptx::Type type) {
  return decode_extremum<true>(decoder, source, modifiers, type);
}

void add_sign_opcodes(OpcodeTable& table) {
  table["copysign"] = decode_copysign;
  table["testp"] = decode_testp;
}

}  // namespace moe::simt
