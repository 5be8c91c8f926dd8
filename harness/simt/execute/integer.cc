// add sub div rem neg abs min max sad of integers, and the table entries of the opcodes which have
// integer, float and half forms.
#include "harness/simt/execute/integer.h"

#include "harness/simt/execute/elementwise_decode.h"
#include "harness/simt/execute/float.h"
#include "harness/simt/execute/half.h"
#include "harness/simt/execute/integer_operations.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

template <class L>
using ValueOf = typename L::Value;

// `op d, a, b` of 16, 32 and 64 bits.
template <template <class> class Op>
Handler binary(ptx::Type type) {
  return with_integer(type,
                      []<class L>() -> Handler { return &lanewise<Op<ValueOf<L>>, L, L, L>; });
}

bool is_s32(ptx::Type type) { return type.kind == Kind::kSigned && type.bits == 32; }

bool is_packed16(ptx::Type type) { return type.bits == 16 && type.lanes == 2; }

// add and sub: the forms that do not touch the carry flag.
template <template <class> class Op, class Saturating>
Handler sum_handler(Decoder& decoder, Modifiers& modifiers, ptx::Type type, bool packed_exists) {
  if (modifiers.take("sat")) {
    if (!is_s32(type) || type.lanes != 1) decoder.fail(".sat is for .s32");
    return &lanewise<Saturating, S32, S32, S32>;
  }
  if (is_packed16(type) && packed_exists)
    return &lanewise<Twice<Op<std::uint16_t>, U16>, U32, U32, U32>;
  if (type.lanes != 1 || type.kind == Kind::kBits) return nullptr;
  type.kind = Kind::kUnsigned;  // the same bits
  return binary<Op>(type);
}

template <template <class, bool> class Op, bool kRelu>
Handler extremum_handler(ptx::Type type) {
  if (is_packed16(type)) {
    return type.kind == Kind::kSigned
               ? &lanewise<Twice<Op<std::int16_t, kRelu>, S16>, U32, U32, U32>
               : &lanewise<Twice<Op<std::uint16_t, kRelu>, U16>, U32, U32, U32>;
  }
  if (type.lanes != 1 || type.kind == Kind::kBits) return nullptr;
  return with_integer(
      type, []<class L>() -> Handler { return &lanewise<Op<ValueOf<L>, kRelu>, L, L, L>; });
}

template <template <class, bool> class Op>
Instruction decode_extremum(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                            ptx::Type type) {
  Handler handler = nullptr;
  if (modifiers.take("relu")) {
    if (!is_s32(type) && !(is_packed16(type) && type.kind == Kind::kSigned)) {
      decoder.fail(".relu is for .s32 and .s16x2");
    }
    handler = extremum_handler<Op, true>(type);
  } else {
    handler = extremum_handler<Op, false>(type);
  }
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type, type});
}

template <template <class> class Op>
Instruction decode_signed_unary(Decoder& decoder, const ptx::Instruction& source, ptx::Type type) {
  Handler handler = nullptr;
  if (type.lanes == 1 && type.kind == Kind::kSigned) {
    handler =
        with_integer(type, []<class L>() -> Handler { return &lanewise<Op<ValueOf<L>>, L, L>; });
  }
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type});
}

template <template <class> class Op>
Instruction decode_binary(Decoder& decoder, const ptx::Instruction& source, ptx::Type type) {
  const bool allowed = type.lanes == 1 && type.kind != Kind::kBits;
  return decode_lanewise(decoder, source, allowed ? binary<Op>(type) : nullptr,
                         InstructionClass::kInteger, {type, type});
}

Instruction decode_rem(Decoder& decoder, const ptx::Instruction& source, Modifiers&,
                       ptx::Type type) {
  return decode_binary<IntegerRem>(decoder, source, type);
}

Instruction decode_sad(Decoder& decoder, const ptx::Instruction& source, Modifiers&,
                       ptx::Type type) {
  Handler handler = nullptr;
  if (type.lanes == 1 && type.kind != Kind::kBits) {
    handler = with_integer(type, []<class L>() -> Handler {
      return &lanewise<AbsoluteDifference<ValueOf<L>>, L, L, L, L>;
    });
  }
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type, type, type});
}

}  // namespace

Instruction decode_integer_add(Decoder& decoder, const ptx::Instruction& source,
                               Modifiers& modifiers, ptx::Type type) {
  if (modifiers.take("cc")) {
    return decode_carry(decoder, source, type, CarryOperation::kAdd, false, true);
  }
  const Handler handler = sum_handler<IntegerAdd, SaturatingAdd>(decoder, modifiers, type, true);
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type, type});
}

Instruction decode_integer_sub(Decoder& decoder, const ptx::Instruction& source,
                               Modifiers& modifiers, ptx::Type type) {
  if (modifiers.take("cc")) {
    return decode_carry(decoder, source, type, CarryOperation::kSub, false, true);
  }
  const Handler handler = sum_handler<IntegerSub, SaturatingSub>(decoder, modifiers, type, false);
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type, type});
}

Instruction decode_integer_div(Decoder& decoder, const ptx::Instruction& source, Modifiers&,
                               ptx::Type type) {
  return decode_binary<IntegerDiv>(decoder, source, type);
}

Instruction decode_integer_neg(Decoder& decoder, const ptx::Instruction& source, Modifiers&,
                               ptx::Type type) {
  return decode_signed_unary<IntegerNeg>(decoder, source, type);
}

Instruction decode_integer_abs(Decoder& decoder, const ptx::Instruction& source, Modifiers&,
                               ptx::Type type) {
  return decode_signed_unary<IntegerAbs>(decoder, source, type);
}

Instruction decode_integer_min(Decoder& decoder, const ptx::Instruction& source,
                               Modifiers& modifiers, ptx::Type type) {
  return decode_extremum<IntegerMin>(decoder, source, modifiers, type);
}

Instruction decode_integer_max(Decoder& decoder, const ptx::Instruction& source,
                               Modifiers& modifiers, ptx::Type type) {
  return decode_extremum<IntegerMax>(decoder, source, modifiers, type);
}

void add_integer_opcodes(OpcodeTable& table) {
  table["add"] = by_type(decode_integer_add, decode_float_add, decode_half_add);
  table["sub"] = by_type(decode_integer_sub, decode_float_sub, decode_half_sub);
  table["mul"] = by_type(decode_integer_mul, decode_float_mul, decode_half_mul);
  table["mad"] = by_type(decode_integer_mad, decode_float_fma, nullptr);
  table["div"] = by_type(decode_integer_div, decode_float_div, nullptr);
  table["neg"] = by_type(decode_integer_neg, decode_float_neg, decode_half_neg);
  table["abs"] = by_type(decode_integer_abs, decode_float_abs, decode_half_abs);
  table["min"] = by_type(decode_integer_min, decode_float_min, decode_half_min);
  table["max"] = by_type(decode_integer_max, decode_float_max, decode_half_max);
  table["rem"] = by_type(decode_rem, nullptr, nullptr);
  table["sad"] = by_type(decode_sad, nullptr, nullptr);
  add_multiply_opcodes(table);
  add_carry_opcodes(table);
  add_logic_opcodes(table);
  add_bit_opcodes(table);
}

}  // namespace moe::simt
