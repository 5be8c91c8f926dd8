// mov: scalars, and vectors packed into and taken out of one register.
#include "harness/simt/execute/conversion.h"
#include "harness/simt/execute/elementwise_decode.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

struct Copy {
  template <class T>
  T operator()(T value) const {
    return value;
  }
};

Outcome copy_predicate(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  write_predicate(warp, instruction.dst, lanes, warp.predicate(instruction.src[0]));
  return Outcome::kNext;
}

// 128 bits: the low halves of all lanes, then the high ones.
Outcome copy_quad(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const std::uint64_t* from = warp.value<std::uint64_t>(instruction.src[0]);
  std::uint64_t* to = warp.value<std::uint64_t>(instruction.dst);
  for_each_lane(lanes, [&](int lane) {
    to[lane] = from[lane];
    to[kLanes + lane] = from[kLanes + lane];
  });
  return Outcome::kNext;
}

// Registers that hold a whole, and those of its parts; kNoReg: a part that nobody wants.
struct PartsExtra final : Extra {
  Reg parts[8] = {kNoReg, kNoReg, kNoReg, kNoReg, kNoReg, kNoReg, kNoReg, kNoReg};
  int count = 0;
  int part_bits = 0;
};

// Bits of a register of kBits (up to 64), or one half of a 128-bit one.
template <int kBits>
using ColumnOf = std::conditional_t<(kBits > 32), std::uint64_t, std::uint32_t>;

template <class Column>
void write_lanes(LaneMask lanes, Column* to, const Column* values) {
#pragma GCC ivdep
  for (int lane = 0; lane < kLanes; ++lane) {
    to[lane] = (lanes & (1u << lane)) != 0 ? values[lane] : to[lane];
  }
}

// Part `index` of kPart bits of a whole of kWhole bits.
template <int kWhole, int kPart>
void take_part(Warp& warp, Reg whole, Reg part, int index, LaneMask lanes) {
  using From = ColumnOf<kWhole>;
  using To = ColumnOf<kPart>;
  const From* from = warp.value<From>(whole);
  if constexpr (kWhole == 128) from += index * kPart / 64 * kLanes;
  const int shift = index * kPart % (kWhole == 128 ? 64 : kWhole);
  constexpr To kMask = static_cast<To>(kPart < 32 ? (1ull << (kPart % 32)) - 1 : ~0ull);
  alignas(64) To values[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) {
    values[lane] = static_cast<To>(from[lane] >> shift) & kMask;
  }
  write_lanes(lanes, warp.value<To>(part), values);
}

template <int kWhole, int kPart>
Outcome unpack(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const auto& extra = instruction.as<PartsExtra>();
  const LaneMask poisoned = warp.poison(instruction.src[0]);
  for (int i = 0; i < extra.count; ++i) {
    if (extra.parts[i] == kNoReg) continue;
    take_part<kWhole, kPart>(warp, instruction.src[0], extra.parts[i], i, lanes);
    warp.set_poison(extra.parts[i], lanes, poisoned);
  }
  return Outcome::kNext;
}

template <int kWhole, int kPart>
Outcome pack(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const auto& extra = instruction.as<PartsExtra>();
  using From = ColumnOf<kPart>;
  using To = ColumnOf<kWhole>;
  constexpr int kHalves = kWhole == 128 ? 2 : 1;
  constexpr int kPerHalf = kWhole / kHalves / kPart;
  LaneMask poisoned = 0;
  for (int half = 0; half < kHalves; ++half) {
    alignas(64) To values[kLanes] = {};
    for (int i = 0; i < kPerHalf; ++i) {
      const Reg reg = extra.parts[half * kPerHalf + i];
      const From* part = warp.value<From>(reg);
      poisoned |= warp.poison(reg);
      for (int lane = 0; lane < kLanes; ++lane) {
        values[lane] |= static_cast<To>(part[lane]) << (i * kPart);
      }
    }
    write_lanes(lanes, warp.value<To>(instruction.dst) + half * kLanes, values);
  }
  warp.set_poison(instruction.dst, lanes, poisoned);
  return Outcome::kNext;
}

struct VectorHandlers {
  Handler unpack, pack;
};

template <int kWhole, int kPart>
constexpr VectorHandlers kHandlers{&unpack<kWhole, kPart>, &pack<kWhole, kPart>};

VectorHandlers vector_handlers(int whole, int part) {
  switch (whole * 1000 + part) {
    case 16'008:
      return kHandlers<16, 8>;
    case 32'008:
      return kHandlers<32, 8>;
    case 32'016:
      return kHandlers<32, 16>;
    case 64'008:
      return kHandlers<64, 8>;
    case 64'016:
      return kHandlers<64, 16>;
    case 64'032:
      return kHandlers<64, 32>;
    case 128'032:
      return kHandlers<128, 32>;
    case 128'064:
      return kHandlers<128, 64>;
    default:
      return {nullptr, nullptr};
  }
}

ptx::Type bits_type(int bits) { return {Kind::kBits, bits, 1}; }

Instruction decode_vector(Decoder& decoder, const ptx::Instruction& source, ptx::Type type) {
  const bool packs = source.operands[1].kind == ptx::Operand::Kind::kVector;
  const ptx::Operand& vector = source.operands[packs ? 1 : 0];
  const ptx::Operand& whole = source.operands[packs ? 0 : 1];
  const int count = static_cast<int>(vector.parts.size());
  if (type.kind != Kind::kBits || count < 2 || count > 8 || type.bits % count != 0) {
    decoder.fail("no such vector of this type");
  }
  auto extra = std::make_shared<PartsExtra>();
  extra->count = count;
  extra->part_bits = type.bits / count;
  const VectorHandlers handlers = vector_handlers(type.bits, extra->part_bits);
  for (int i = 0; i < count; ++i) {
    const ptx::Operand& part = vector.parts[i];
    if (decoder.is_register(part) && decoder.register_bits(part) != extra->part_bits) {
      decoder.fail("a register of the vector has the wrong size");
    }
    if (packs) {
      extra->parts[i] = decoder.source(part, bits_type(extra->part_bits));
    } else if (part.kind != ptx::Operand::Kind::kSink) {
      extra->parts[i] = decoder.destination(part);
    }
  }
  Instruction instruction =
      new_instruction(decoder, packs ? handlers.pack : handlers.unpack, InstructionClass::kMove,
                      packs ? decoder.destination(whole) : kNoReg);
  if (!packs) instruction.src[0] = decoder.source(whole, type);
  instruction.own_poison = true;
  instruction.extra = std::move(extra);
  return instruction;
}

Handler copy_handler(ptx::Type type) {
  if (type.kind == Kind::kPredicate) return &copy_predicate;
  switch (type.total_bits()) {
    case 16:
      return &lanewise<Copy, U16, U16>;
    case 32:
      return &lanewise<Copy, U32, U32>;
    case 64:
      return &lanewise<Copy, U64, U64>;
    case 128:
      return &copy_quad;
    default:
      return nullptr;
  }
}

Instruction decode_mov(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  expect_operands(decoder, source, 2);
  const bool vector = source.operands[0].kind == ptx::Operand::Kind::kVector ||
                      source.operands[1].kind == ptx::Operand::Kind::kVector;
  if (vector) return decode_vector(decoder, source, type);
  Handler handler = copy_handler(type);
  // Special registers have 32 bits here; %gridid is read as 64.
  const bool special = source.operands[1].kind == ptx::Operand::Kind::kSpecial;
  if (special && type.total_bits() == 64) handler = &lanewise<Copy, U64, U32>;
  return decode_lanewise(decoder, source, handler, InstructionClass::kMove, {type});
}

}  // namespace

void add_move_opcodes(OpcodeTable& table) { table["mov"] = decode_mov; }

}  // namespace moe::simt
