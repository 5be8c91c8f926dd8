// ld, ldu and st: the handlers, by element size.
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

// ---- loads ----

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

// ---- stores ----

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

// Lanes where some element has no known value (`any`), and where none has (`all`).
struct UnknownElements {
  LaneMask any = 0;
  LaneMask all = kAllLanes;
};

UnknownElements unknown_elements(Warp& warp, const MemoryOperation& operation) {
  UnknownElements unknown;
  for (int element = 0; element < operation.elements; ++element) {
    unknown.any |= warp.poison(operation.values[element]);
    unknown.all &= warp.poison(operation.values[element]);
  }
  return unknown;
}

// resolve() took all bytes of a vector with an unknown element for unknown. Known elements of it
// are known again: a structure with padding is stored like that.
void mark_known_elements(Warp& warp, const Instruction& instruction,
                         const MemoryOperation& operation, LaneMask lanes) {
  const AccessForm& form = operation.form;
  for_each_lane(lanes, [&](int lane) {
    std::uint64_t address = form.narrow ? warp.value<std::uint32_t>(form.base)[lane]
                                        : warp.value<std::uint64_t>(form.base)[lane];
    address += form.offset;
    if (form.space == ptx::Space::kShared) address &= 0xffffffffu;
    const Located located = warp.block.locate(warp.first_thread() + lane, address, form.space,
                                              form.bytes, form.bytes, form.kind, instruction);
    if (located.written == nullptr) return;
    for (int element = 0; element < operation.elements; ++element) {
      if (has_lane(warp.poison(operation.values[element]), lane)) continue;
      std::memset(located.written + element * operation.element_bytes, 1, operation.element_bytes);
    }
  });
}

template <class Memory>
Outcome store(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const auto& operation = instruction.as<MemoryOperation>();
  const UnknownElements unknown = unknown_elements(warp, operation);
  const LaneBytes at = resolve(warp, instruction, operation.form, lanes, unknown.any & lanes);
  if (const LaneMask mixed = unknown.any & ~unknown.all & lanes; mixed != 0) {
    mark_known_elements(warp, instruction, operation, mixed);
  }
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

}  // namespace

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

}  // namespace moe::simt
