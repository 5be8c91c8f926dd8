// brev bfi bfe bfind popc clz fns bmsk szext prmt. Source: PTX ISA 9.0, the "Semantics" of each.
#include <cstdlib>

#include "harness/simt/execute/elementwise_decode.h"
#include "harness/simt/execute/integer.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

template <std::unsigned_integral T>
struct ReverseBits {
  T operator()(T a) const {
    T mask = static_cast<T>(-1);
    for (unsigned half = 4 * sizeof(T); half > 0; half /= 2) {
      mask ^= mask << half;
      a = static_cast<T>(((a >> half) & mask) | ((a << half) & ~mask));
    }
    return a;
  }
};

template <std::unsigned_integral T>
struct CountOnes {
  std::uint32_t operator()(T a) const { return std::popcount(a); }
};

template <std::unsigned_integral T>
struct LeadingZeros {
  std::uint32_t operator()(T a) const { return std::countl_zero(a); }
};

// The highest bit that is not a copy of the sign; all ones if there is none.
template <std::integral T, bool kShiftAmount>
struct FindHighest {
  std::uint32_t operator()(T a) const {
    using U = std::make_unsigned_t<T>;
    constexpr int kMsb = 8 * sizeof(T) - 1;
    const U bits = static_cast<U>(std::is_signed_v<T> && a < 0 ? ~a : a);
    if (bits == 0) return ~0u;
    const int zeros = std::countl_zero(bits);
    return kShiftAmount ? zeros : kMsb - zeros;
  }
};

// `length` low ones.
template <std::unsigned_integral T>
T low_ones(std::uint32_t length) {
  constexpr std::uint32_t kWidth = 8 * sizeof(T);
  return length < kWidth ? static_cast<T>((T{1} << (length & (kWidth - 1))) - 1)
                         : static_cast<T>(-1);
}

template <std::unsigned_integral T>
struct InsertField {
  T operator()(T a, T b, std::uint32_t start, std::uint32_t bits) const {
    constexpr std::uint32_t kWidth = 8 * sizeof(T);
    const std::uint32_t position = start & 0xff;
    const std::uint32_t shift = position & (kWidth - 1);
    const T field = static_cast<T>(low_ones<T>(bits & 0xff) << shift);
    const T mask = position < kWidth ? field : T{0};
    return static_cast<T>((b & ~mask) | ((a << shift) & mask));
  }
};

template <std::integral T>
struct ExtractField {
  T operator()(T value, std::uint32_t start, std::uint32_t bits) const {
    using U = std::make_unsigned_t<T>;
    constexpr std::uint32_t kWidth = 8 * sizeof(T);
    const U a = static_cast<U>(value);
    const std::uint32_t position = start & 0xff;
    const std::uint32_t length = bits & 0xff;
    const std::uint32_t last = position + length - 1;  // not used when length is zero
    const U sign_bit = static_cast<U>(a >> (last < kWidth ? last : kWidth - 1)) & 1;
    const bool fill = std::is_signed_v<T> && length != 0 && sign_bit != 0;
    const U shifted = position < kWidth ? static_cast<U>(a >> (position & (kWidth - 1))) : U{0};
    // Bits of the result that come from a: below the length and below the end of a.
    const std::uint32_t there = position < kWidth ? kWidth - position : 0;
    const U mask = low_ones<U>(length < there ? length : there);
    return static_cast<T>((shifted & mask) | (fill ? static_cast<U>(~mask) : U{0}));
  }
};

// The n-th set bit from `base`, upwards or downwards.
struct FindNth {
  static constexpr bool kSlow = true;
  std::uint32_t operator()(std::uint32_t mask, std::uint32_t base, std::int32_t offset) const {
    if (base > 31) return ~0u;  // "behavior is undefined"
    if (offset == 0) return mask >> base & 1 ? base : ~0u;
    std::int64_t left = std::llabs(offset);
    const int step = offset > 0 ? 1 : -1;
    for (int position = static_cast<int>(base); position >= 0 && position < 32; position += step) {
      if ((mask >> position & 1) != 0 && --left == 0) return position;
    }
    return ~0u;
  }
};

// `width` ones from bit `start` up.
template <bool kWrap>
struct MakeMask {
  std::uint32_t operator()(std::uint32_t start, std::uint32_t width) const {
    if constexpr (kWrap) {
      start &= 31;
      width &= 31;
    }
    return start < 32 ? low_ones<std::uint32_t>(width) << (start & 31) : 0u;
  }
};

// The low n bits, extended.
template <std::integral T, bool kWrap>
struct ExtendLow {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t n) const {
    if constexpr (kWrap) n &= 31;
    if (n >= 32) return a;
    const std::uint32_t mask = low_ones<std::uint32_t>(n);
    const bool negative = std::is_signed_v<T> && n != 0 && (a >> ((n - 1) & 31) & 1) != 0;
    return (a & mask) | (negative ? ~mask : 0u);
  }
};

enum class Permute {
  kDefault,
  kForward4,
  kBackward4,
  kReplicate8,
  kEdgeLeft,
  kEdgeRight,
  kReplicate16
};

// Which of the eight bytes of [b, a] goes to byte i, for a mode that looks at the low two bits of
// c.
template <Permute kMode>
int chosen_byte(int control, int i) {
  switch (kMode) {
    case Permute::kForward4:
      return control + i;
    case Permute::kBackward4:
      return (control - i) & 7;
    case Permute::kReplicate8:
      return control;
    case Permute::kEdgeLeft:
      return i > control ? i : control;
    case Permute::kEdgeRight:
      return i < control ? i : control;
    default:
      return (control & 1) * 2 + (i & 1);
  }
}

template <Permute kMode>
struct PermuteBytes {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b, std::uint32_t c) const {
    const std::uint64_t bytes = std::uint64_t{b} << 32 | a;
    std::uint32_t result = 0;
    for (int i = 0; i < 4; ++i) {
      const std::uint32_t selector = c >> (4 * i) & 15;
      const int from = kMode == Permute::kDefault ? static_cast<int>(selector & 7)
                                                  : chosen_byte<kMode>(static_cast<int>(c & 3), i);
      std::uint32_t byte = static_cast<std::uint32_t>(bytes >> (8 * from)) & 0xff;
      // Only the default mode has a bit that asks for the byte's sign instead.
      const bool replicate = kMode == Permute::kDefault && (selector & 8) != 0;
      byte = replicate ? ((byte & 0x80) != 0 ? 0xffu : 0u) : byte;
      result |= byte << (8 * i);
    }
    return result;
  }
};

// One source of 32 or 64 bits and a 32-bit result.
template <template <class> class Op>
Instruction decode_count(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  Handler handler = nullptr;
  if (type == kBits32) handler = &lanewise<Op<std::uint32_t>, U32, U32>;
  if (type == kBits64) handler = &lanewise<Op<std::uint64_t>, U32, U64>;
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type});
}

Instruction decode_brev(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  Handler handler = nullptr;
  if (type == kBits32) handler = &lanewise<ReverseBits<std::uint32_t>, U32, U32>;
  if (type == kBits64) handler = &lanewise<ReverseBits<std::uint64_t>, U64, U64>;
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type});
}

// .u32 .s32 .u64 .s64: with_integer without 16 bits and packed types.
template <class Body>
Handler with_32_or_64(ptx::Type type, Body&& body) {
  if (type.bits < 32 || type.lanes != 1 || type.kind == Kind::kBits || !is_integer(type)) {
    return nullptr;
  }
  return with_integer(type, [&]<class L>() -> Handler {
    if constexpr (sizeof(typename L::Value) == 2) {
      return nullptr;
    } else {
      return body.template operator()<L>();
    }
  });
}

Instruction decode_bfind(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const bool shift_amount = modifiers.take("shiftamt");
  const ptx::Type type = modifiers.need_type();
  const Handler handler = with_32_or_64(type, [&]<class L>() -> Handler {
    using T = typename L::Value;
    return shift_amount ? &lanewise<FindHighest<T, true>, U32, L>
                        : &lanewise<FindHighest<T, false>, U32, L>;
  });
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {type});
}

Instruction decode_bfe(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  const Handler handler = with_32_or_64(type, []<class L>() -> Handler {
    return &lanewise<ExtractField<typename L::Value>, L, L, U32, U32>;
  });
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger,
                         {type, kUnsigned32, kUnsigned32});
}

Instruction decode_bfi(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  Handler handler = nullptr;
  if (type == kBits32) handler = &lanewise<InsertField<std::uint32_t>, U32, U32, U32, U32, U32>;
  if (type == kBits64) handler = &lanewise<InsertField<std::uint64_t>, U64, U64, U64, U32, U32>;
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger,
                         {type, type, kUnsigned32, kUnsigned32});
}

Instruction decode_fns(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  if (modifiers.need_type() != kBits32) decoder.fail("expected .b32");
  return decode_lanewise(decoder, source, &lanewise<FindNth, U32, U32, U32, S32>,
                         InstructionClass::kInteger, {kBits32, kBits32, kBits32});
}

bool take_wrap(Decoder& decoder, Modifiers& modifiers) {
  const int mode = modifiers.take_one_of({"clamp", "wrap"});
  if (mode < 0) decoder.fail("expected .clamp or .wrap");
  return mode == 1;
}

Instruction decode_bmsk(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const bool wrap = take_wrap(decoder, modifiers);
  if (modifiers.need_type() != kBits32) decoder.fail("expected .b32");
  const Handler handler =
      wrap ? &lanewise<MakeMask<true>, U32, U32, U32> : &lanewise<MakeMask<false>, U32, U32, U32>;
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger, {kBits32, kBits32});
}

Instruction decode_szext(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const bool wrap = take_wrap(decoder, modifiers);
  const ptx::Type type = modifiers.need_type();
  if (type.bits != 32) decoder.fail("expected .u32 or .s32");
  const Handler handler = with_32_or_64(type, [&]<class L>() -> Handler {
    using T = typename L::Value;
    return wrap ? &lanewise<ExtendLow<T, true>, U32, U32, U32>
                : &lanewise<ExtendLow<T, false>, U32, U32, U32>;
  });
  return decode_lanewise(decoder, source, handler, InstructionClass::kInteger,
                         {kBits32, kUnsigned32});
}

template <Permute kMode>
constexpr Handler kPermuteHandler = &lanewise<PermuteBytes<kMode>, U32, U32, U32, U32>;

Instruction decode_prmt(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  static constexpr Handler kHandlers[] = {
      kPermuteHandler<Permute::kForward4>,   kPermuteHandler<Permute::kBackward4>,
      kPermuteHandler<Permute::kReplicate8>, kPermuteHandler<Permute::kEdgeLeft>,
      kPermuteHandler<Permute::kEdgeRight>,  kPermuteHandler<Permute::kReplicate16>};
  if (modifiers.need_type() != kBits32) decoder.fail("expected .b32");
  const int mode = modifiers.take_one_of({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"});
  return decode_lanewise(decoder, source,
                         mode < 0 ? kPermuteHandler<Permute::kDefault> : kHandlers[mode],
                         InstructionClass::kInteger, {kBits32, kBits32, kBits32});
}

}  // namespace

void add_bit_opcodes(OpcodeTable& table) {
  table["brev"] = decode_brev;
  table["popc"] = decode_count<CountOnes>;
  table["clz"] = decode_count<LeadingZeros>;
  table["bfind"] = decode_bfind;
  table["bfe"] = decode_bfe;
  table["bfi"] = decode_bfi;
  table["fns"] = decode_fns;
  table["bmsk"] = decode_bmsk;
  table["szext"] = decode_szext;
  table["prmt"] = decode_prmt;
}

}  // namespace moe::simt
