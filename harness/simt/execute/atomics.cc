// atom and red: decode, and the handlers. Lanes take turns: two on one address see each other's
// result.
#include "harness/simt/execute/atomics.h"

#include <fmt/format.h>

#include <cstring>

#include "harness/simt/execute/atomic_operation.h"
#include "harness/simt/execute/memory_modifiers.h"
#include "harness/simt/execute/polling.h"
#include "harness/simt/machine/launch.h"

namespace moe::simt {
namespace {

using namespace atomics;
using Kind = ptx::Type::Kind;

struct AtomicOperation : MemoryOperation {
  AtomicName name = AtomicName::kAdd;
  AtomicFunction function = nullptr;         // of each element; null: exchange, compare-and-swap
  AtomicFunction shared_function = nullptr;  // the same in shared memory, where f32 is not flushed
  std::array<Reg, kMaxElements> results{};   // old values; kNoReg: red
  Reg swap = kNoReg;                         // compare-and-swap: what is stored
  bool has_result = false;
};

// The lanes one after the other, in the order the schedule gives.
template <class Body>
void take_turns(Launch& launch, LaneMask lanes, Body&& body) {
  switch (launch.settings.schedule) {
    case Schedule::kNatural:
      for_each_lane(lanes, body);
      break;
    case Schedule::kReversed:
      for (; lanes != 0; lanes &= ~(1u << (31 - std::countl_zero(lanes)))) {
        body(31 - std::countl_zero(lanes));
      }
      break;
    case Schedule::kRandom: {
      const int first = static_cast<int>(launch.random(kLanes));
      for_each_lane(lanes & (kAllLanes << first), body);
      for_each_lane(lanes & ~(kAllLanes << first), body);
      break;
    }
  }
}

// Reads and writes an element of T as it stands in memory; registers hold 64 bits in 64-bit rows.
template <class T>
std::uint64_t value_of(Warp& warp, Reg reg, int lane) {
  if constexpr (sizeof(T) == 8) return warp.value<std::uint64_t>(reg)[lane];
  return static_cast<T>(warp.value<std::uint32_t>(reg)[lane]);
}
template <class T>
void set_value(Warp& warp, Reg reg, int lane, std::uint64_t bits) {
  if constexpr (sizeof(T) == 8) {
    warp.value<std::uint64_t>(reg)[lane] = bits;
  } else {
    warp.value<std::uint32_t>(reg)[lane] = static_cast<std::uint32_t>(bits);
  }
}

// What a lane's turn did.
struct Turn {
  bool wrote = false;      // a failed compare-and-swap only reads
  bool changed = false;    // memory is not as it was
  std::uint64_t seen = 0;  // digest of the old value
};

bool is_shared(Warp& warp, const AtomicOperation& operation, int lane) {
  if (operation.form.space != ptx::Space::kGeneric) {
    return operation.form.space == ptx::Space::kShared;
  }
  const std::uint64_t address =
      warp.value<std::uint64_t>(operation.form.base)[lane] + operation.form.offset;
  return address >= kSharedWindow && address < kLocalWindow;
}

template <class T>
Turn combine(Warp& warp, const AtomicOperation& operation, int lane, std::byte* data) {
  const AtomicFunction function =
      operation.function != operation.shared_function && is_shared(warp, operation, lane)
          ? operation.shared_function
          : operation.function;
  std::array<std::uint64_t, kMaxElements> operands;  // first: a result may be the same register
  for (int element = 0; element < operation.elements; ++element) {
    operands[element] = value_of<T>(warp, operation.values[element], lane);
  }
  Turn turn{.wrote = true};
  for (int element = 0; element < operation.elements; ++element) {
    std::byte* at = data + element * sizeof(T);
    T old;
    std::memcpy(&old, at, sizeof old);
    const T now = function != nullptr ? static_cast<T>(function(old, operands[element]))
                                      : static_cast<T>(operands[element]);
    std::memcpy(at, &now, sizeof now);
    turn.changed |= now != old;
    turn.seen = Polling::digest(turn.seen, old);
    if (operation.has_result) set_value<T>(warp, operation.results[element], lane, old);
  }
  return turn;
}

template <class T>
Turn compare_and_swap(Warp& warp, const AtomicOperation& operation, int lane, std::byte* data) {
  const T compare = static_cast<T>(value_of<T>(warp, operation.values[0], lane));
  const T swap = static_cast<T>(value_of<T>(warp, operation.swap, lane));
  T old;
  std::memcpy(&old, data, sizeof old);
  const bool equal = old == compare;
  if (equal) std::memcpy(data, &swap, sizeof swap);
  if (operation.has_result) set_value<T>(warp, operation.results[0], lane, old);
  return {.wrote = equal, .changed = equal && swap != old, .seen = Polling::digest(0, old)};
}

struct Halves {
  std::uint64_t low, high;
  bool operator==(const Halves&) const = default;
};
Halves halves_of(Warp& warp, Reg reg, int lane) {
  return {warp.value<std::uint64_t>(reg)[lane],
          warp.value<std::uint64_t>(reg + 2 * kRowBytes)[lane]};
}

// Exchange and compare-and-swap of 128 bits.
Turn swap_128(Warp& warp, const AtomicOperation& operation, int lane, std::byte* data) {
  const Halves operand = halves_of(warp, operation.values[0], lane);
  const bool compares = operation.name == AtomicName::kCompareAndSwap;
  const Halves now = compares ? halves_of(warp, operation.swap, lane) : operand;
  Halves old;
  std::memcpy(&old, data, sizeof old);
  const bool writes = !compares || old == operand;
  if (writes) std::memcpy(data, &now, sizeof now);
  if (operation.has_result) {
    warp.value<std::uint64_t>(operation.results[0])[lane] = old.low;
    warp.value<std::uint64_t>(operation.results[0] + 2 * kRowBytes)[lane] = old.high;
  }
  return {.wrote = writes,
          .changed = writes && !(now == old),
          .seen = Polling::digest(Polling::digest(0, old.low), old.high)};
}

using TurnFunction = Turn (*)(Warp&, const AtomicOperation&, int lane, std::byte* data);

// Lanes whose operands were never given a value: what they store has none either.
LaneMask poisoned_operands(Warp& warp, const AtomicOperation& operation) {
  LaneMask poisoned = operation.swap != kNoReg ? warp.poison(operation.swap) : 0;
  for (int element = 0; element < operation.elements; ++element) {
    poisoned |= warp.poison(operation.values[element]);
  }
  return poisoned;
}

template <TurnFunction kTurn>
Outcome atomic(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const auto& operation = instruction.as<AtomicOperation>();
  const LaneBytes at =
      resolve(warp, instruction, operation.form, lanes, poisoned_operands(warp, operation) & lanes);
  bool changed = false;
  std::uint64_t seen = 0;
  take_turns(warp.block.launch, lanes, [&](int lane) {
    const Turn turn = kTurn(warp, operation, lane, at.data[lane]);
    note_strong_read(warp, lane, operation.form, at.data[lane], operation.order.acquire);
    if (turn.wrote) {
      note_strong_write(warp, lane, operation.form, at.data[lane], operation.order.release, true);
    }
    changed |= turn.changed;
    seen = Polling::digest(seen, turn.seen);
  });
  if (operation.has_result) {
    for (int element = 0; element < operation.elements; ++element) {
      warp.set_poison(operation.results[element], lanes, at.poisoned);
    }
  }
  if (changed) {
    ++warp.block.launch.progress;
    return Outcome::kNext;
  }
  // A lock that is taken, a counter read by adding 0: somebody else must run for it to change.
  return warp.block.part<Polling>().repeats(warp, instruction, lanes, seen) ? Outcome::kYield
                                                                            : Outcome::kNext;
}

// ---- decoding
// -------------------------------------------------------------------------------------

AtomicName take_name(Decoder& decoder, Modifiers& modifiers) {
  const int which =
      modifiers.take_one_of({"add", "inc", "dec", "min", "max", "and", "or", "xor", "exch", "cas"});
  if (which < 0) decoder.fail("an operation is needed: .add, .min, .cas ...");
  return static_cast<AtomicName>(which);
}

// Exchange and compare-and-swap by size; null where the ISA has none.
Handler swap_handler(AtomicName name, ptx::Type type) {
  if (type.kind != Kind::kBits) return nullptr;
  const bool compares = name == AtomicName::kCompareAndSwap;
  switch (type.bits) {
    case 16:
      return compares ? atomic<compare_and_swap<std::uint16_t>> : nullptr;
    case 32:
      return compares ? atomic<compare_and_swap<std::uint32_t>> : atomic<combine<std::uint32_t>>;
    case 64:
      return compares ? atomic<compare_and_swap<std::uint64_t>> : atomic<combine<std::uint64_t>>;
    case 128:
      return atomic<swap_128>;
    default:
      return nullptr;
  }
}

Handler combine_handler(int bits) {
  switch (bits) {
    case 16:
      return atomic<combine<std::uint16_t>>;
    case 32:
      return atomic<combine<std::uint32_t>>;
    default:
      return atomic<combine<std::uint64_t>>;
  }
}

// The handler and the functions for the operation on the type; fails where the ISA has none.
Handler choose(Decoder& decoder, AtomicOperation& operation, ptx::Type type, bool noftz) {
  const AtomicName name = operation.name;
  const bool half = (type.kind == Kind::kFloat && type.bits == 16) || type.kind == Kind::kBfloat;
  if (half != noftz) decoder.fail(".noftz goes with f16 and bf16 types, always");
  const bool swaps = name == AtomicName::kExchange || name == AtomicName::kCompareAndSwap;
  if (swaps && operation.elements == 1) {
    if (const Handler handler = swap_handler(name, type)) return handler;
  }
  if (!swaps) operation.function = atomic_function(name, type, operation.elements > 1);
  if (operation.function == nullptr) decoder.fail("there is no such operation on that type");
  operation.shared_function = operation.function;
  if (operation.function == add_f32) operation.function = add_f32_flushing;
  return combine_handler(type.total_bits());
}

void check_form(Decoder& decoder, const AtomicOperation& operation, ptx::Type type) {
  const ptx::Space space = operation.form.space;
  if (!seen_by_others(space)) decoder.fail("atomics are for global and shared memory");
  if (operation.elements > 1 && space == ptx::Space::kShared) {
    decoder.fail("vector atomics are for global memory");
  }
  if (operation.elements == 8 && type.total_bits() != 16) decoder.fail(".v8 takes .f16 and .bf16");
}

void set_registers(Decoder& decoder, const ptx::Instruction& source, AtomicOperation& operation,
                   ptx::Type type) {
  const std::size_t first = operation.has_result ? 1 : 0;  // the address operand
  const int bytes = type.total_bits() / 8;
  const auto check = [&](const ptx::Operand& operand) {
    const int found = decoder.register_bytes(operand);
    if (found != 0 && found != bytes) decoder.fail("a register of another size than the type");
  };
  const auto values = elements_of(decoder, source.operands[first + 1], operation.elements);
  for (int element = 0; element < operation.elements; ++element) {
    check(values[element]);
    operation.values[element] = decoder.source(values[element], type);
  }
  if (operation.name == AtomicName::kCompareAndSwap) {
    check(source.operands[first + 2]);
    operation.swap = decoder.source(source.operands[first + 2], type);
  }
  if (!operation.has_result) return;
  const bool sink = source.operands[0].kind == ptx::Operand::Kind::kSink;
  if (sink) {
    operation.has_result = false;
    return;
  }
  const auto results = elements_of(decoder, source.operands[0], operation.elements);
  for (int element = 0; element < operation.elements; ++element) {
    const bool unused = results[element].kind == ptx::Operand::Kind::kSink;
    check(results[element]);
    operation.results[element] =
        unused ? decoder.scratch(bytes) : decoder.destination(results[element]);
  }
}

Instruction decode(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                   bool has_result) {
  auto operation = std::make_shared<AtomicOperation>();
  operation->has_result = has_result;
  operation->order = take_atomic_order(decoder, modifiers, has_result);
  operation->form.space = Decoder::take_space(modifiers);
  operation->name = take_name(decoder, modifiers);
  const bool compares = operation->name == AtomicName::kCompareAndSwap;
  const bool exchanges = operation->name == AtomicName::kExchange;
  if (!has_result && (compares || exchanges)) decoder.fail("red has no .cas and no .exch");
  const bool noftz = modifiers.take("noftz");
  const bool has_hint = take_cache_hints(modifiers, false);
  operation->elements = take_vector(modifiers);
  const ptx::Type type = modifiers.need_type();
  operation->element_bytes = type.total_bits() / 8;
  operation->form.bytes = operation->elements * operation->element_bytes;
  operation->form.kind = AccessKind::kAtomic;
  operation->form.scope = operation->order.scope;
  check_form(decoder, *operation, type);
  check_policy(decoder, source, 2 + (has_result ? 1 : 0) + (compares ? 1 : 0), has_hint);
  Instruction instruction;
  instruction.handler = choose(decoder, *operation, type, noftz);
  instruction.kind = InstructionClass::kAtomic;
  instruction.own_poison = true;
  set_address(decoder, source.operands[has_result ? 1 : 0], operation->form);
  set_registers(decoder, source, *operation, type);
  if (operation->has_result) instruction.dst = operation->results[0];
  instruction.extra = std::move(operation);
  return instruction;
}

}  // namespace

Instruction decode_atom(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  return decode(decoder, source, modifiers, true);
}

Instruction decode_red(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  return decode(decoder, source, modifiers, false);
}

}  // namespace moe::simt
