// atom and red: the handlers. Lanes take turns: two on one address see each other's
// result.
#include "harness/simt/execute/atomics.h"

#include <cstring>

#include "harness/simt/execute/polling.h"
#include "harness/simt/machine/launch.h"

namespace moe::simt {
namespace {

using namespace atomics;
using Kind = ptx::Type::Kind;

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
  if (operation.form.narrow) return false;  // an absolute address
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

// Lanes whose operands were never given a value.
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
  const LaneMask unknown = poisoned_operands(warp, operation) & lanes;
  if (unknown != 0) report_poison(warp, instruction, unknown, "an atomic update");
  const LaneBytes at = resolve(warp, instruction, operation.form, lanes);
  // Only an exchange makes a value out of none.
  if (at.poisoned != 0 && operation.name != AtomicName::kExchange) {
    report_poison(warp, instruction, at.poisoned, "the result of an atomic update");
  }
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

}  // namespace

void AtomicOperation::registers(std::vector<Reg>& read, std::vector<Reg>& written) const {
  MemoryOperation::registers(read, written);
  if (swap != kNoReg) read.push_back(swap);
  if (has_result) written.insert(written.end(), results.begin(), results.begin() + elements);
}

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

}  // namespace moe::simt
