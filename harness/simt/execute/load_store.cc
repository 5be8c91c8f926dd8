// ld, ldu and st: decode, and the handlers by element size.
#include "harness/simt/execute/load_store.h"

#include <fmt/format.h>

#include <cstring>
#include <type_traits>

#include "harness/simt/execute/memory_modifiers.h"
#include "harness/simt/execute/polling.h"
#include "harness/simt/machine/launch.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

// Registers hold up to 32 bits in 32-bit rows, 64 bits in 64-bit rows.
template <class Register>
using Row = std::conditional_t<sizeof(Register) == 8, std::uint64_t, std::uint32_t>;

struct Bits128 {
  std::uint64_t low, high;
};

// ---- loads
// ----------------------------------------------------------------------------------------

// A signed Memory is extended by its sign to Register's width, an unsigned one by zeros.
template <class Memory, class Register>
void load_element(Warp& warp, const LaneBytes& at, LaneMask lanes, int offset, Reg reg) {
  if constexpr (std::is_same_v<Memory, Bits128>) {
    std::uint64_t* low = warp.value<std::uint64_t>(reg);
    std::uint64_t* high = warp.value<std::uint64_t>(reg + 2 * kRowBytes);
    for_each_lane(lanes, [&](int lane) {
      std::memcpy(&low[lane], at.data[lane] + offset, 8);
      std::memcpy(&high[lane], at.data[lane] + offset + 8, 8);
    });
  } else {
    Row<Register>* out = warp.value<Row<Register>>(reg);
    for_each_lane(lanes, [&](int lane) {
      Memory value;
      std::memcpy(&value, at.data[lane] + offset, sizeof value);
      out[lane] = static_cast<Register>(value);
    });
  }
}

// Poisons the elements that were never written. Before the registers change: one of them may be the
// address.
void poison_loaded(Warp& warp, const MemoryOperation& operation, const LaneBytes& at,
                   LaneMask lanes) {
  for (int element = 0; element < operation.elements; ++element) {
    LaneMask poisoned = at.poisoned & lanes;
    if (operation.elements > 1) {
      for_each_lane(poisoned, [&](int lane) {
        const std::byte* data = at.data[lane] + element * operation.element_bytes;
        if (!unwritten(warp, lane, operation.form, data, operation.element_bytes)) {
          poisoned &= ~(1u << lane);
        }
      });
    }
    warp.set_poison(operation.values[element], lanes, poisoned);
  }
}

std::uint64_t digest(const MemoryOperation& operation, const LaneBytes& at, LaneMask lanes) {
  std::uint64_t digest = 0;
  for_each_lane(lanes, [&](int lane) {
    for (std::uint32_t done = 0; done < operation.form.bytes; done += 8) {
      std::uint64_t part = 0;
      std::memcpy(&part, at.data[lane] + done, std::min(operation.form.bytes - done, 8u));
      digest = Polling::digest(digest, part);
    }
  });
  return digest;
}

Outcome note_load(Warp& warp, const Instruction& instruction, const MemoryOperation& operation,
                  const LaneBytes& at, LaneMask lanes) {
  for_each_lane(lanes, [&](int lane) {
    note_strong_read(warp, lane, operation.form, at.data[lane], operation.order.acquire);
  });
  const bool polls =
      warp.block.part<Polling>().repeats(warp, instruction, lanes, digest(operation, at, lanes));
  return polls ? Outcome::kYield : Outcome::kNext;
}

template <class Memory, class Register>
Outcome load(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const auto& operation = instruction.as<MemoryOperation>();
  const LaneBytes at = resolve(warp, instruction, operation.form, lanes);
  Outcome outcome = Outcome::kNext;
  if (operation.order.scope != Scope::kNone) {
    outcome = note_load(warp, instruction, operation, at, lanes);
  }
  poison_loaded(warp, operation, at, lanes);
  for (int element = 0; element < operation.elements; ++element) {
    load_element<Memory, Register>(warp, at, lanes, element * operation.element_bytes,
                                   operation.values[element]);
  }
  return outcome;
}

template <class Memory>
Handler load_into(int register_bits) {
  if constexpr (std::is_signed_v<Memory>) {
    // Into 8 and 16 bits the upper bits of the row stay zero.
    if (register_bits <= 8 && sizeof(Memory) == 1) return load<Memory, std::uint8_t>;
    if (register_bits <= 16) return load<Memory, std::uint16_t>;
  }
  if (register_bits <= 32) return load<Memory, std::uint32_t>;
  return load<Memory, std::uint64_t>;
}

Handler load_handler(ptx::Type type, int register_bits) {
  if (type.kind == Kind::kSigned) {
    switch (type.bits) {
      case 8:
        return load_into<std::int8_t>(register_bits);
      case 16:
        return load_into<std::int16_t>(register_bits);
      case 32:
        return load_into<std::int32_t>(register_bits);
      default:
        break;
    }
  }
  switch (type.bits) {
    case 8:
      return load_into<std::uint8_t>(register_bits);
    case 16:
      return load_into<std::uint16_t>(register_bits);
    case 32:
      return load_into<std::uint32_t>(register_bits);
    case 64:
      return load<std::uint64_t, std::uint64_t>;
    default:
      return load<Bits128, Bits128>;
  }
}

// ---- stores
// ---------------------------------------------------------------------------------------

template <class Memory>
void store_element(Warp& warp, const LaneBytes& at, LaneMask lanes, int offset, Reg reg,
                   bool wide) {
  if constexpr (std::is_same_v<Memory, Bits128>) {
    const std::uint64_t* low = warp.value<std::uint64_t>(reg);
    const std::uint64_t* high = warp.value<std::uint64_t>(reg + 2 * kRowBytes);
    for_each_lane(lanes, [&](int lane) {
      std::memcpy(at.data[lane] + offset, &low[lane], 8);
      std::memcpy(at.data[lane] + offset + 8, &high[lane], 8);
    });
  } else {
    const auto store = [&](const auto* values) {
      for_each_lane(lanes, [&](int lane) {
        const Memory value = static_cast<Memory>(values[lane]);
        std::memcpy(at.data[lane] + offset, &value, sizeof value);
      });
    };
    if (wide || sizeof(Memory) == 8) {
      store(warp.value<std::uint64_t>(reg));
    } else {
      store(warp.value<std::uint32_t>(reg));
    }
  }
}

template <class Memory>
Outcome store(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const auto& operation = instruction.as<MemoryOperation>();
  LaneMask poisoned = 0;
  for (int element = 0; element < operation.elements; ++element) {
    poisoned |= warp.poison(operation.values[element]);
  }
  const LaneBytes at = resolve(warp, instruction, operation.form, lanes, poisoned & lanes);
  for (int element = 0; element < operation.elements; ++element) {
    store_element<Memory>(warp, at, lanes, element * operation.element_bytes,
                          operation.values[element], operation.wide[element]);
  }
  if (!at.suspects.empty()) report_suspects(warp, instruction, operation.form, at);
  if (operation.order.scope != Scope::kNone) {
    for_each_lane(lanes, [&](int lane) {
      note_strong_write(warp, lane, operation.form, at.data[lane], operation.order.release, false);
    });
  }
  if (seen_by_others(operation.form.space)) ++warp.block.launch.progress;
  return Outcome::kNext;
}

Handler store_handler(int bits) {
  switch (bits) {
    case 8:
      return store<std::uint8_t>;
    case 16:
      return store<std::uint16_t>;
    case 32:
      return store<std::uint32_t>;
    case 64:
      return store<std::uint64_t>;
    default:
      return store<Bits128>;
  }
}

// ---- decoding
// -------------------------------------------------------------------------------------

ptx::Type take_memory_type(Decoder& decoder, Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  const bool number = type.kind == Kind::kBits || type.kind == Kind::kUnsigned ||
                      type.kind == Kind::kSigned || (type.kind == Kind::kFloat && type.bits >= 32);
  if (!number || type.lanes != 1) decoder.fail("not a type of ld and st");
  return type;
}

void set_size(Decoder& decoder, MemoryOperation& operation, int elements, ptx::Type type) {
  operation.elements = elements;
  operation.element_bytes = type.bits / 8;
  operation.form.bytes = elements * operation.element_bytes;
  const ptx::Space space = operation.form.space;
  // 256 bits: .v8 of 32-bit elements or .v4 of 64-bit ones, in global memory.
  const bool wide_form = operation.form.bytes == 32 && type.bits >= 32 && type.bits <= 64;
  const bool wide_space = space == ptx::Space::kGlobal || space == ptx::Space::kGeneric;
  if (operation.form.bytes > 16 && !(wide_form && wide_space)) {
    decoder.fail(fmt::format("a vector of {} bytes", operation.form.bytes));
  }
  if (elements == 8 && !wide_form) decoder.fail(".v8 takes 32-bit elements");
}

// Strong accesses and volatile ones are for memory that others see.
void check_space(Decoder& decoder, const MemoryOperation& operation) {
  if (operation.order.scope != Scope::kNone && !seen_by_others(operation.form.space)) {
    decoder.fail("only global and shared memory have memory order");
  }
}

void set_load_destinations(Decoder& decoder, MemoryOperation& operation,
                           const ptx::Operand& operand, ptx::Type type, int* register_bits) {
  const std::vector<ptx::Operand> parts = elements_of(decoder, operand, operation.elements);
  *register_bits = 0;
  for (const ptx::Operand& part : parts) {
    if (part.kind == ptx::Operand::Kind::kSink) continue;
    const int bits = 8 * decoder.register_bytes(part);
    if (bits < type.bits) decoder.fail("a destination register narrower than the type");
    if (*register_bits != 0 && bits != *register_bits) {
      decoder.fail("destination registers of different sizes");
    }
    *register_bits = bits;
  }
  if (*register_bits == 0) *register_bits = type.bits;
  for (int element = 0; element < operation.elements; ++element) {
    const bool sink = parts[element].kind == ptx::Operand::Kind::kSink;
    operation.values[element] =
        sink ? decoder.scratch(*register_bits / 8) : decoder.destination(parts[element]);
  }
}

void set_store_sources(Decoder& decoder, MemoryOperation& operation, const ptx::Operand& operand,
                       ptx::Type type) {
  const std::vector<ptx::Operand> parts = elements_of(decoder, operand, operation.elements);
  for (int element = 0; element < operation.elements; ++element) {
    const int bits = 8 * decoder.register_bytes(parts[element]);
    if (bits != 0 && bits < type.bits) decoder.fail("a source register narrower than the type");
    operation.values[element] = decoder.source(parts[element], type);
    operation.wide[element] = bits == 64 && type.bits < 64;
  }
}

Instruction finish_load(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                        std::shared_ptr<MemoryOperation> operation, bool has_hint) {
  const int elements = take_vector(modifiers);
  const ptx::Type type = take_memory_type(decoder, modifiers);
  set_size(decoder, *operation, elements, type);
  check_space(decoder, *operation);
  check_policy(decoder, source, 2, has_hint);
  operation->form.kind = AccessKind::kRead;
  operation->form.scope = operation->order.scope;
  set_address(decoder, source.operands[1], operation->form);
  int register_bits = 0;
  set_load_destinations(decoder, *operation, source.operands[0], type, &register_bits);
  Instruction instruction;
  instruction.handler = load_handler(type, register_bits);
  instruction.kind = InstructionClass::kLoad;
  instruction.own_poison = true;
  instruction.dst = operation->values[0];
  instruction.extra = std::move(operation);
  return instruction;
}

}  // namespace

Instruction decode_load(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  auto operation = std::make_shared<MemoryOperation>();
  operation->order = take_load_order(decoder, modifiers);
  operation->form.space = Decoder::take_space(modifiers);
  const bool read_only = modifiers.take("nc");
  if (read_only &&
      (operation->form.space != ptx::Space::kGlobal || operation->order.scope != Scope::kNone)) {
    decoder.fail(".nc is for weak loads of .global");
  }
  modifiers.take_one_of({"ca", "cg", "cs", "lu", "cv"});
  const bool has_hint = take_cache_hints(modifiers, true);
  modifiers.take("unified");
  return finish_load(decoder, source, modifiers, std::move(operation), has_hint);
}

Instruction decode_uniform_load(Decoder& decoder, const ptx::Instruction& source,
                                Modifiers& modifiers) {
  auto operation = std::make_shared<MemoryOperation>();
  operation->form.space = Decoder::take_space(modifiers);
  if (operation->form.space != ptx::Space::kGlobal &&
      operation->form.space != ptx::Space::kGeneric) {
    decoder.fail("ldu is for .global");
  }
  return finish_load(decoder, source, modifiers, std::move(operation), false);
}

Instruction decode_store(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  auto operation = std::make_shared<MemoryOperation>();
  operation->order = take_store_order(decoder, modifiers);
  operation->form.space = Decoder::take_space(modifiers);
  if (operation->form.space == ptx::Space::kConst) decoder.fail(".const memory is read-only");
  modifiers.take_one_of({"wb", "cg", "cs", "wt"});
  const bool has_hint = take_cache_hints(modifiers, false);
  const int elements = take_vector(modifiers);
  const ptx::Type type = take_memory_type(decoder, modifiers);
  set_size(decoder, *operation, elements, type);
  check_space(decoder, *operation);
  check_policy(decoder, source, 2, has_hint);
  operation->form.kind = AccessKind::kWrite;
  operation->form.scope = operation->order.scope;
  set_address(decoder, source.operands[0], operation->form);
  set_store_sources(decoder, *operation, source.operands[1], type);
  Instruction instruction;
  instruction.handler = store_handler(type.bits);
  instruction.kind = InstructionClass::kStore;
  instruction.own_poison = true;
  instruction.extra = std::move(operation);
  return instruction;
}

}  // namespace moe::simt
