// mul mad mul24 mad24 dp4a dp2a of integers.
#include "harness/simt/execute/elementwise_decode.h"
#include "harness/simt/execute/integer.h"
#include "harness/simt/execute/integer_operations.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;
enum class Part : int { kLow, kHigh, kWide };

Part take_part(Decoder& decoder, Modifiers& modifiers) {
  const int part = modifiers.take_one_of({"lo", "hi", "wide"});
  if (part < 0) decoder.fail("expected .lo, .hi or .wide");
  return static_cast<Part>(part);
}

ptx::Type widened(ptx::Type type) {
  type.bits *= 2;
  return type;
}

void need_plain_integer(Decoder& decoder, ptx::Type type) {
  if (type.lanes != 1 || type.kind == Kind::kBits) decoder.fail("expected .u or .s type");
}

// with_narrow(type, body<L, W>()): a layout of 16 or 32 bits and the one of twice the bits.
template <class Body>
Handler with_narrow(ptx::Type type, Body&& body) {
  const bool is_signed = type.kind == Kind::kSigned;
  if (type.bits == 16) {
    return is_signed ? body.template operator()<S16, S32>() : body.template operator()<U16, U32>();
  }
  if (type.bits == 32) {
    return is_signed ? body.template operator()<S32, S64>() : body.template operator()<U32, U64>();
  }
  return nullptr;
}

Handler multiply_handler(Part part, ptx::Type type) {
  switch (part) {
    case Part::kLow:
      return with_bits(type, []<class L>() -> Handler {
        return &lanewise<MultiplyLow<typename L::Value>, L, L, L>;
      });
    case Part::kHigh:
      return with_integer(type, []<class L>() -> Handler {
        return &lanewise<MultiplyHigh<typename L::Value>, L, L, L>;
      });
    case Part::kWide:
      return with_narrow(type, []<class L, class W>() -> Handler {
        return &lanewise<MultiplyWide<typename L::Value>, W, L, L>;
      });
  }
  return nullptr;
}

Handler multiply_add_handler(Part part, ptx::Type type) {
  switch (part) {
    case Part::kLow:
      return with_bits(type, []<class L>() -> Handler {
        using T = typename L::Value;
        return &lanewise<MultiplyAdd<MultiplyLow<T>, T>, L, L, L, L>;
      });
    case Part::kHigh:
      return with_integer(type, []<class L>() -> Handler {
        using T = typename L::Value;
        return &lanewise<MultiplyAdd<MultiplyHigh<T>, T>, L, L, L, L>;
      });
    case Part::kWide:
      return with_narrow(type, []<class L, class W>() -> Handler {
        using Product = MultiplyWide<typename L::Value>;
        return &lanewise<MultiplyAdd<Product, typename W::Value>, W, L, L, W>;
      });
  }
  return nullptr;
}

bool take_high24(Decoder& decoder, Modifiers& modifiers) {
  const Part part = take_part(decoder, modifiers);
  if (part == Part::kWide) decoder.fail("expected .lo or .hi");
  return part == Part::kHigh;
}

// .u32 or .s32: chosen once for an operation over one of the two.
template <class Body>
Handler with_32(Decoder& decoder, ptx::Type type, Body&& body) {
  need_plain_integer(decoder, type);
  if (type.bits != 32) decoder.fail("expected .u32 or .s32");
  return type.kind == Kind::kSigned ? body.template operator()<S32>()
                                    : body.template operator()<U32>();
}

Instruction decode_mul24(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const bool high = take_high24(decoder, modifiers);
  const ptx::Type type = modifiers.need_type();
  const Handler handler = with_32(decoder, type, [&]<class L>() -> Handler {
    using T = typename L::Value;
    return high ? &lanewise<Multiply24<T, true>, L, L, L>
                : &lanewise<Multiply24<T, false>, L, L, L>;
  });
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type, type});
}

Instruction decode_mad24(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const bool high = take_high24(decoder, modifiers);
  const bool saturate = modifiers.take("sat");
  const ptx::Type type = modifiers.need_type();
  Handler handler = with_32(decoder, type, [&]<class L>() -> Handler {
    using T = typename L::Value;
    return high ? &lanewise<MultiplyAdd<Multiply24<T, true>, T>, L, L, L, L>
                : &lanewise<MultiplyAdd<Multiply24<T, false>, T>, L, L, L, L>;
  });
  if (saturate) {
    if (!high || type.kind != Kind::kSigned) decoder.fail(".sat is for .hi.s32");
    handler = &lanewise<SaturatingMultiplyAdd<Multiply24<std::int32_t, true>>, S32, S32, S32, S32>;
  }
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type, type, type});
}

// The signs of .atype and .btype.
struct DotTypes {
  bool a_signed, b_signed;
  ptx::Type a, b;
};

DotTypes take_dot_types(Decoder& decoder, Modifiers& modifiers) {
  const ptx::Type a = modifiers.need_type();
  const ptx::Type b = modifiers.need_type();
  for (const ptx::Type& type : {a, b}) {
    need_plain_integer(decoder, type);
    if (type.bits != 32) decoder.fail("expected .u32 or .s32");
  }
  return {a.kind == Kind::kSigned, b.kind == Kind::kSigned, a, b};
}

Instruction decode_dp4a(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const DotTypes types = take_dot_types(decoder, modifiers);
  const Handler handler = with_flag(types.a_signed, [&](auto a) {
    return with_flag(types.b_signed, [&](auto b) -> Handler {
      using A = std::conditional_t<a.value, std::int8_t, std::uint8_t>;
      using B = std::conditional_t<b.value, std::int8_t, std::uint8_t>;
      return &lanewise<DotProduct4<A, B>, U32, U32, U32, U32>;
    });
  });
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger,
                         {types.a, types.b, kBits32});
}

Instruction decode_dp2a(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const bool high = take_high24(decoder, modifiers);
  const DotTypes types = take_dot_types(decoder, modifiers);
  const Handler handler = with_flag(types.a_signed, [&](auto a) {
    return with_flag(types.b_signed, [&](auto b) {
      return with_flag(high, [&](auto upper) -> Handler {
        using A = std::conditional_t<a.value, std::int16_t, std::uint16_t>;
        using B = std::conditional_t<b.value, std::int8_t, std::uint8_t>;
        return &lanewise<DotProduct2<A, B, upper.value>, U32, U32, U32, U32>;
      });
    });
  });
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger,
                         {types.a, types.b, kBits32});
}

}  // namespace

Instruction decode_integer_mul(Decoder& decoder, const ptx::Instruction& source,
                               Modifiers& modifiers, ptx::Type type) {
  need_plain_integer(decoder, type);
  const Handler handler = multiply_handler(take_part(decoder, modifiers), type);
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type, type});
}

Instruction decode_integer_mad(Decoder& decoder, const ptx::Instruction& source,
                               Modifiers& modifiers, ptx::Type type) {
  need_plain_integer(decoder, type);
  const Part part = take_part(decoder, modifiers);
  if (modifiers.take("cc")) {
    if (part == Part::kWide) decoder.fail("mad.wide does not write the carry flag");
    const auto operation = part == Part::kLow ? CarryOperation::kMadLow : CarryOperation::kMadHigh;
    return decode_carry(decoder, source, type, operation, false, true);
  }
  Handler handler = multiply_add_handler(part, type);
  if (modifiers.take("sat")) {
    if (part != Part::kHigh || type.kind != Kind::kSigned || type.bits != 32) {
      decoder.fail(".sat is for .hi.s32");
    }
    handler = &lanewise<SaturatingMultiplyAdd<MultiplyHigh<std::int32_t>>, S32, S32, S32, S32>;
  }
  const ptx::Type addend = part == Part::kWide ? widened(type) : type;
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger,
                         {type, type, addend});
}

void add_multiply_opcodes(OpcodeTable& table) {
  table["mul24"] = decode_mul24;
  table["mad24"] = decode_mad24;
  table["dp4a"] = decode_dp4a;
  table["dp2a"] = decode_dp2a;
}

}  // namespace moe::simt
