// add sub mul fma of f32, f64 and f32x2, and of f32 with 16-bit operands.
#include "harness/simt/execute/float.h"

#include "harness/simt/execute/elementwise_decode.h"
#include "harness/simt/execute/float_double.h"
#include "harness/simt/execute/float_operations.h"
#include "harness/simt/execute/half.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

InstructionClass class_of(ptx::Type type) {
  return type.bits == 64 ? InstructionClass::kDouble : InstructionClass::kFloat;
}

// The modifiers of f32 arithmetic.
struct FloatModifiers {
  Rounding rounding = Rounding::kNearest;
  bool ftz = false;
  bool sat = false;
};

FloatModifiers take_float_modifiers(Modifiers& modifiers, bool sat_exists) {
  FloatModifiers taken;
  taken.rounding = take_rounding(modifiers);
  taken.ftz = modifiers.take("ftz");
  taken.sat = sat_exists && modifiers.take("sat");
  return taken;
}

// Op<R> over layouts S.
template <template <Rounding> class Op, class... S>
Handler single_handler(const FloatModifiers& chosen) {
  return with_rounding(chosen.rounding, [&](auto rounding) {
    return with_flag(chosen.ftz, [&](auto ftz) {
      return with_flag(chosen.sat, [&](auto sat) -> Handler {
        return &lanewise<Modified<Op<rounding.value>, ftz.value, sat.value>, F32, S...>;
      });
    });
  });
}

// Both floats of 64-bit registers: as many floats in a row as two warps have lanes.
template <class Op, int kSources>
Outcome pairwise(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const float* a = warp.value<float>(instruction.src[0]);
  const float* b = warp.value<float>(instruction.src[1]);
  const float* c = warp.value<float>(instruction.src[2]);
  float* dst = warp.value<float>(instruction.dst);
  const auto compute = [=](int i) {
    if constexpr (kSources == 2) return Op{}(a[i], b[i]);
    if constexpr (kSources == 3) return Op{}(a[i], b[i], c[i]);
  };
  if (!SlowOperation<Op> && lanes == kAllLanes) {
#pragma GCC ivdep
    for (int i = 0; i < 2 * kLanes; ++i) dst[i] = compute(i);
  } else {
    for_each_lane(lanes, [&](int lane) {
      dst[2 * lane] = compute(2 * lane);
      dst[2 * lane + 1] = compute(2 * lane + 1);
    });
  }
  return Outcome::kNext;
}

template <template <Rounding> class Op, int kSources>
Handler pair_handler(const FloatModifiers& chosen) {
  return with_rounding(chosen.rounding, [&](auto rounding) {
    return with_flag(chosen.ftz, [&](auto ftz) -> Handler {
      return &pairwise<Modified<Op<rounding.value>, ftz.value>, kSources>;
    });
  });
}

// add.f32.f16 d, a, c: the first operand (of fma the first two) is of a 16-bit format.
template <template <Rounding> class Op, class... S>
Handler mixed_handler(Decoder& decoder, ptx::Type narrow, const FloatModifiers& chosen) {
  if (!is_half(narrow) || narrow.lanes != 1) decoder.fail("expected .f16 or .bf16");
  if (chosen.ftz) decoder.fail(".ftz is not for mixed precision");
  return narrow.kind == Kind::kBfloat ? single_handler<Op, Bf16, S...>(chosen)
                                      : single_handler<Op, F16, S...>(chosen);
}

// add and sub: f32, f32x2, f64 and the mixed forms.
template <template <Rounding> class Op>
Instruction decode_sum(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                       ptx::Type type, DoubleOperation double_operation) {
  if (type.bits == 64) {
    const Handler handler = double_handler(double_operation, take_rounding(modifiers));
    return decode_lanewise(decoder, source, handler, InstructionClass::kDouble, {type, type});
  }
  const FloatModifiers chosen = take_float_modifiers(modifiers, type.lanes == 1);
  if (type.lanes == 2) {
    return decode_lanewise(decoder, source, pair_handler<Op, 2>(chosen), InstructionClass::kFloat,
                           {type, type});
  }
  const ptx::Type narrow = modifiers.take_type();
  if (narrow.kind == Kind::kNone) {
    return decode_lanewise(decoder, source, single_handler<Op, F32, F32>(chosen),
                           InstructionClass::kFloat, {type, type});
  }
  return decode_lanewise(decoder, source, mixed_handler<Op, F32>(decoder, narrow, chosen),
                         InstructionClass::kFloat, {kBits16, type});
}

Instruction decode_mixed_fma(Decoder& decoder, const ptx::Instruction& source, ptx::Type narrow,
                             ptx::Type type, const FloatModifiers& chosen) {
  if (!is_half(narrow) || narrow.lanes != 1) decoder.fail("expected .f16 or .bf16");
  if (chosen.ftz) decoder.fail(".ftz is not for mixed precision");
  const Handler handler = narrow.kind == Kind::kBfloat
                              ? single_handler<FloatFma, Bf16, Bf16, F32>(chosen)
                              : single_handler<FloatFma, F16, F16, F32>(chosen);
  return decode_lanewise(decoder, source, handler, InstructionClass::kFloat,
                         {kBits16, kBits16, type});
}

}  // namespace

Instruction decode_float_add(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                             ptx::Type type) {
  return decode_sum<FloatAdd>(decoder, source, modifiers, type, DoubleOperation::kAdd);
}

Instruction decode_float_sub(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                             ptx::Type type) {
  return decode_sum<FloatSub>(decoder, source, modifiers, type, DoubleOperation::kSub);
}

Instruction decode_float_mul(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                             ptx::Type type) {
  Handler handler = nullptr;
  if (type.bits == 64) {
    handler = double_handler(DoubleOperation::kMul, take_rounding(modifiers));
  } else {
    const FloatModifiers chosen = take_float_modifiers(modifiers, type.lanes == 1);
    handler = type.lanes == 2 ? pair_handler<FloatMul, 2>(chosen)
                              : single_handler<FloatMul, F32, F32>(chosen);
  }
  return decode_lanewise(decoder, source, handler, class_of(type), {type, type});
}

Instruction decode_float_fma(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                             ptx::Type type) {
  Handler handler = nullptr;
  if (type.bits == 64) {
    handler = double_handler(DoubleOperation::kFma, take_rounding(modifiers));
  } else {
    const FloatModifiers chosen = take_float_modifiers(modifiers, type.lanes == 1);
    const ptx::Type narrow = type.lanes == 1 ? modifiers.take_type() : ptx::Type{};
    if (narrow.kind != Kind::kNone) {
      return decode_mixed_fma(decoder, source, narrow, type, chosen);
    }
    handler = type.lanes == 2 ? pair_handler<FloatFma, 3>(chosen)
                              : single_handler<FloatFma, F32, F32, F32>(chosen);
  }
  return decode_lanewise(decoder, source, handler, class_of(type), {type, type, type});
}

void add_float_opcodes(OpcodeTable& table) {
  table["fma"] = by_type(nullptr, decode_float_fma, decode_half_fma);
  add_sign_opcodes(table);
  add_quotient_opcodes(table);
  add_approximate_opcodes(table);
}

}  // namespace moe::simt
