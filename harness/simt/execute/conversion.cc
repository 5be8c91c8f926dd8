// cvt: its modifiers, and registers wider than its types.
#include "harness/simt/execute/conversion.h"

#include "harness/simt/execute/compare.h"
#include "harness/simt/execute/elementwise_decode.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

Conversion take_conversion(Modifiers& modifiers) {
  Conversion conversion;
  const int rounding = modifiers.take_one_of({"rn", "rz", "rm", "rp", "rna"});
  if (rounding >= 0) {
    static constexpr Rounding kModes[] = {Rounding::kNearest, Rounding::kZero, Rounding::kDown,
                                          Rounding::kUp, Rounding::kAway};
    conversion.rounds = true;
    conversion.rounding = kModes[rounding];
  }
  const int integral = modifiers.take_one_of({"rni", "rzi", "rmi", "rpi"});
  if (integral >= 0) {
    static constexpr Rounding kModes[] = {Rounding::kNearest, Rounding::kZero, Rounding::kDown,
                                          Rounding::kUp};
    conversion.to_integral = true;
    conversion.integral = kModes[integral];
  }
  conversion.ftz = modifiers.take("ftz");
  conversion.sat = modifiers.take("sat");
  conversion.relu = modifiers.take("relu");
  conversion.satfinite = modifiers.take("satfinite");
  conversion.to = modifiers.need_type();
  conversion.from = modifiers.need_type();
  return conversion;
}

bool is_scalar_float(ptx::Type type) {
  return (is_float(type) || is_half(type)) && type.lanes == 1;
}

Handler scalar_handler(const Conversion& conversion) {
  const bool limited = conversion.relu || conversion.satfinite;
  if (conversion.to.kind == Kind::kTf32) return float_to_tf32(conversion);
  if (is_integer(conversion.from) && !limited) {
    if (is_integer(conversion.to)) return integer_to_integer(conversion);
    if (is_scalar_float(conversion.to)) return integer_to_float(conversion);
  }
  if (is_scalar_float(conversion.from)) {
    if (is_integer(conversion.to) && !limited) return float_to_integer(conversion);
    if (is_scalar_float(conversion.to)) return float_to_float(conversion);
  }
  return nullptr;
}

// A cvt one of whose registers is wider than its type: through registers of the type's own layout.
struct ResizedExtra final : Extra {
  Instruction inner;
  bool narrow_source = false;  // of a 64-bit register the low 32 bits are read
  bool sign_extend = false;
  int result_bits = 0;    // of the type
  int register_bits = 0;  // of the destination
};

Outcome convert_resized(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const auto& extra = instruction.as<ResizedExtra>();
  if (extra.narrow_source) {
    const std::uint64_t* wide = warp.value<std::uint64_t>(instruction.src[0]);
    std::uint32_t* narrow = warp.value<std::uint32_t>(extra.inner.src[0]);
    for_each_lane(lanes, [&](int lane) { narrow[lane] = static_cast<std::uint32_t>(wide[lane]); });
  }
  extra.inner.handler(warp, extra.inner, lanes);
  if (extra.inner.dst == instruction.dst) return Outcome::kNext;
  const std::uint32_t* result = warp.value<std::uint32_t>(extra.inner.dst);
  const int unused = 64 - extra.result_bits;
  for_each_lane(lanes, [&](int lane) {
    std::uint64_t bits = result[lane];
    if (extra.sign_extend) {
      bits = static_cast<std::uint64_t>(static_cast<std::int64_t>(bits << unused) >> unused);
    }
    if (extra.register_bits == 64) {
      warp.value<std::uint64_t>(instruction.dst)[lane] = bits;
    } else {
      const std::uint64_t mask = (1ull << extra.register_bits) - 1;
      warp.value<std::uint32_t>(instruction.dst)[lane] = static_cast<std::uint32_t>(bits & mask);
    }
  });
  return Outcome::kNext;
}

// PTX ISA, "Operand Size Exceeding Instruction-Type Size": a wider source is cut, into a wider
// destination the result is extended, with its sign if the type is signed.
Instruction fit_registers(Decoder& decoder, const ptx::Instruction& source,
                          const Conversion& conversion, Instruction instruction) {
  const ptx::Operand& to = source.operands[0];
  const ptx::Operand& from = source.operands[1];
  const int to_bits = decoder.is_register(to) ? decoder.register_bits(to) : conversion.to.bits;
  const int from_bits =
      decoder.is_register(from) ? decoder.register_bits(from) : conversion.from.bits;
  if (to_bits < conversion.to.bits || from_bits < conversion.from.bits) {
    decoder.fail("a register is smaller than its type");
  }
  const bool is_signed = conversion.to.kind == Kind::kSigned;
  const bool resize_source = from_bits == 64 && conversion.from.bits < 64;
  const bool resize_result = to_bits > conversion.to.bits && (to_bits == 64 || is_signed);
  if (!resize_source && !resize_result) return instruction;

  auto extra = std::make_shared<ResizedExtra>();
  extra->inner = instruction;
  extra->narrow_source = resize_source;
  extra->sign_extend = is_signed;
  extra->result_bits = conversion.to.bits;
  extra->register_bits = to_bits;
  if (resize_source) extra->inner.src[0] = decoder.scratch(4);
  if (resize_result) extra->inner.dst = decoder.scratch(4);
  instruction.handler = &convert_resized;
  instruction.extra = std::move(extra);
  return instruction;
}

Instruction decode_cvt(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  if (modifiers.take("pack")) return decode_pack(decoder, source, modifiers);
  const Conversion conversion = take_conversion(modifiers);
  if (is_packed_conversion(conversion)) {
    return decode_packed_conversion(decoder, source, conversion);
  }
  const ptx::Type from = is_half(conversion.from) ? kBits16 : conversion.from;
  return fit_registers(decoder, source, conversion,
                       decode_lanewise(decoder, source, scalar_handler(conversion),
                                       InstructionClass::kConversion, {from}));
}

}  // namespace

void add_conversion_opcodes(OpcodeTable& table) {
  table["cvt"] = decode_cvt;
  add_move_opcodes(table);
  add_address_opcodes(table);
  add_compare_opcodes(table);
}

}  // namespace moe::simt
