// What the decode functions of integer*, float*, half*, conversion* and compare* share.
#pragma once
#include <initializer_list>
#include <type_traits>

#include "harness/simt/execute/elementwise.h"
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

inline constexpr ptx::Type kPredicateType{ptx::Type::Kind::kPredicate, 1, 1};
inline constexpr ptx::Type kBits16{ptx::Type::Kind::kBits, 16, 1};
inline constexpr ptx::Type kBits32{ptx::Type::Kind::kBits, 32, 1};
inline constexpr ptx::Type kBits64{ptx::Type::Kind::kBits, 64, 1};
inline constexpr ptx::Type kUnsigned32{ptx::Type::Kind::kUnsigned, 32, 1};

bool is_integer(ptx::Type type);  // .u, .s and .b, packed ones too
bool is_float(ptx::Type type);    // f32 f64, and f32x2
bool is_half(ptx::Type type);     // f16 bf16, and packed ones

// Fails unless the statement has exactly `count` operands.
void expect_operands(Decoder& decoder, const ptx::Instruction& source, std::size_t count);

// `op d, a, b ...`: sources of the given types. A null handler means that the opcode has no such
// form.
Instruction decode_lanewise(Decoder& decoder, const ptx::Instruction& source, Handler handler,
                            InstructionClass kind, std::initializer_list<ptx::Type> types);

// An instruction with its handler, class and destination, all sources reading zero.
Instruction new_instruction(Decoder& decoder, Handler handler, InstructionClass kind, Reg dst);

// The value of an operand that must be an integer literal.
std::uint32_t immediate_value(Decoder& decoder, const ptx::Operand& operand);

// An opcode whose operand type says which family it belongs to. A null function: no such form.
using DecodeTyped = Instruction (*)(Decoder&, const ptx::Instruction&, Modifiers&, ptx::Type);
DecodeFunction by_type(DecodeTyped integer, DecodeTyped floating, DecodeTyped half);

// with_flag(ftz, [&](auto ftz) -> Handler { ... Op<ftz.value> ... }).
template <class Body>
Handler with_flag(bool flag, Body&& body) {
  return flag ? body(std::true_type{}) : body(std::false_type{});
}

template <Rounding R>
using RoundingConstant = std::integral_constant<Rounding, R>;

template <class Body>
Handler with_rounding(Rounding rounding, Body&& body) {
  switch (rounding) {
    case Rounding::kNearest:
      return body(RoundingConstant<Rounding::kNearest>{});
    case Rounding::kZero:
      return body(RoundingConstant<Rounding::kZero>{});
    case Rounding::kDown:
      return body(RoundingConstant<Rounding::kDown>{});
    case Rounding::kUp:
      return body(RoundingConstant<Rounding::kUp>{});
    default:
      return nullptr;
  }
}

// Takes .rn .rz .rm .rp; `otherwise` when none is there.
Rounding take_rounding(Modifiers& modifiers, Rounding otherwise = Rounding::kNearest);

// with_integer(type, [&]<class L>() -> Handler { return &lanewise<Op, L, L>; }) with L the layout
// of one lane of the type: 16, 32 or 64 bits. .b counts as unsigned. Null for other sizes.
template <class Body>
Handler with_integer(ptx::Type type, Body&& body) {
  const bool is_signed = type.kind == ptx::Type::Kind::kSigned;
  switch (type.bits) {
    case 16:
      return is_signed ? body.template operator()<S16>() : body.template operator()<U16>();
    case 32:
      return is_signed ? body.template operator()<S32>() : body.template operator()<U32>();
    case 64:
      return is_signed ? body.template operator()<S64>() : body.template operator()<U64>();
    default:
      return nullptr;
  }
}

// The same where the sign does not matter: U16, U32 or U64.
template <class Body>
Handler with_bits(ptx::Type type, Body&& body) {
  type.kind = ptx::Type::Kind::kUnsigned;
  return with_integer(type, body);
}

}  // namespace moe::simt
