// shl shr shf. Source: PTX ISA 9.0, "Logic and Shift Instructions".
#include "harness/simt/execute/elementwise_decode.h"
#include "harness/simt/execute/integer.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

// Amounts greater than the width are clamped to it: nothing, or only the sign, is left.
template <std::integral T>
struct ShiftLeft {
  T operator()(T a, std::uint32_t amount) const {
    constexpr std::uint32_t kWidth = 8 * sizeof(T);
    return amount < kWidth ? static_cast<T>(a << (amount & (kWidth - 1))) : T{0};
  }
};

template <std::integral T>
struct ShiftRight {
  T operator()(T a, std::uint32_t amount) const {
    constexpr std::uint32_t kWidth = 8 * sizeof(T);
    if constexpr (std::is_signed_v<T>) {
      return static_cast<T>(a >> (amount < kWidth ? amount : kWidth - 1));
    } else {
      return amount < kWidth ? static_cast<T>(a >> (amount & (kWidth - 1))) : T{0};
    }
  }
};

// The 64 bits [b, a], shifted by at most 32 (.clamp) or by the amount modulo 32 (.wrap).
template <bool kWrap>
std::uint32_t funnel_amount(std::uint32_t amount) {
  if constexpr (kWrap) return amount & 31;
  return amount < 32 ? amount : 32;
}

template <bool kWrap>
struct FunnelLeft {  // the upper word of the result
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b, std::uint32_t amount) const {
    const std::uint64_t both = std::uint64_t{b} << 32 | a;
    return static_cast<std::uint32_t>(both << funnel_amount<kWrap>(amount) >> 32);
  }
};

template <bool kWrap>
struct FunnelRight {  // the lower word
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b, std::uint32_t amount) const {
    const std::uint64_t both = std::uint64_t{b} << 32 | a;
    return static_cast<std::uint32_t>(both >> funnel_amount<kWrap>(amount));
  }
};

Instruction decode_shl(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  if (type.kind != Kind::kBits) decoder.fail("expected .b16, .b32 or .b64");
  const Handler handler = with_bits(type, []<class L>() -> Handler {
    return &lanewise<ShiftLeft<typename L::Value>, L, L, U32>;
  });
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type, kUnsigned32});
}

Instruction decode_shr(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  if (!is_integer(type) || type.lanes != 1) decoder.fail("expected a .b, .u or .s type");
  const Handler handler = with_integer(type, []<class L>() -> Handler {
    return &lanewise<ShiftRight<typename L::Value>, L, L, U32>;
  });
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type, kUnsigned32});
}

Instruction decode_shf(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const int direction = modifiers.take_one_of({"l", "r"});
  const int mode = modifiers.take_one_of({"clamp", "wrap"});
  if (direction < 0 || mode < 0) decoder.fail("expected .l or .r, and .clamp or .wrap");
  if (modifiers.need_type() != kBits32) decoder.fail("expected .b32");
  const Handler handler = with_flag(mode == 1, [&](auto wrap) -> Handler {
    return direction == 0 ? &lanewise<FunnelLeft<wrap.value>, U32, U32, U32, U32>
                          : &lanewise<FunnelRight<wrap.value>, U32, U32, U32, U32>;
  });
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger,
                         {kBits32, kBits32, kUnsigned32});
}

}  // namespace

void add_shift_opcodes(OpcodeTable& table) {
  table["shl"] = decode_shl;
  table["shr"] = decode_shr;
  table["shf"] = decode_shf;
}

}  // namespace moe::simt
