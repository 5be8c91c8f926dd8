#include "harness/simt/machine/warp_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "harness/simt/machine/launch.h"
#include "harness/simt/machine/traffic.h"

namespace moe::simt {
namespace {

void addresses_of(Warp& warp, const AccessForm& form,
                  std::array<std::uint64_t, kLanes>& addresses) {
  if (form.narrow) {
    const std::uint32_t* base = warp.value<std::uint32_t>(form.base);
    for (int lane = 0; lane < kLanes; ++lane) addresses[lane] = base[lane] + form.offset;
  } else {
    const std::uint64_t* base = warp.value<std::uint64_t>(form.base);
    for (int lane = 0; lane < kLanes; ++lane) addresses[lane] = base[lane] + form.offset;
  }
  if (form.space == ptx::Space::kShared) {  // shared addresses are 32 bits, whatever holds them
    for (std::uint64_t& address : addresses) address &= 0xffffffffu;
  }
}

void count(Warp& warp, const AccessForm& form, const Located& located, LaneMask lanes,
           const std::array<std::uint64_t, kLanes>& addresses) {
  Counters& counters = warp.block.launch.counters;
  const int active = std::popcount(lanes);
  const int bytes = static_cast<int>(form.bytes);
  const bool is_shared = located.space == ptx::Space::kShared;
  if (form.kind == AccessKind::kAtomic) {
    (is_shared ? counters.shared_atomics : counters.global_atomics) += active;
    return;
  }
  const bool load = form.kind == AccessKind::kRead;
  Counters::Traffic* traffic = nullptr;
  AccessCost cost;
  if (is_shared) {
    traffic = load ? &counters.shared_load : &counters.shared_store;
    cost = shared_cost(addresses, lanes, bytes);
  } else if (located.space == ptx::Space::kLocal) {
    traffic = load ? &counters.local_load : &counters.local_store;
    cost = local_cost(addresses, lanes, bytes);
  } else if (located.space == ptx::Space::kGlobal) {
    traffic = load ? &counters.global_load : &counters.global_store;
    cost = global_cost(addresses, lanes, bytes);
  } else {
    return;
  }
  ++traffic->requests;
  traffic->bytes += static_cast<std::uint64_t>(active) * bytes;
  traffic->sectors += cost.used;
  traffic->ideal += cost.ideal;
}

bool any_unwritten(const std::uint8_t* written, std::uint32_t bytes) {
  if (bytes == 4) {
    std::uint32_t flags = 0;
    std::memcpy(&flags, written, 4);
    return flags != 0x01010101u;
  }
  return std::memchr(written, 0, bytes) != nullptr;
}

bool is_compare_and_swap(const Instruction& instruction) {
  const std::vector<std::string>& modifiers = instruction.source->modifiers;
  return std::find(modifiers.begin(), modifiers.end(), "cas") != modifiers.end();
}

}  // namespace

LaneBytes resolve(Warp& warp, const Instruction& instruction, const AccessForm& form,
                  LaneMask lanes, LaneMask poisoned_value) {
  Block& block = warp.block;
  Launch& launch = block.launch;
  if (const LaneMask unknown = warp.poison(form.base) & lanes; unknown != 0) {
    report_poison(warp, instruction, unknown, "an address");
  }
  std::array<std::uint64_t, kLanes> addresses;
  addresses_of(warp, form, addresses);
  LaneBytes at;
  Located last;
  const bool races = launch.settings.check_races;
  const bool writes = form.kind == AccessKind::kWrite;
  const bool swaps = form.kind == AccessKind::kAtomic && is_compare_and_swap(instruction);
  LaneMask stored_poison = 0;
  std::uint64_t previous = ~addresses[std::countr_zero(lanes)];
  for (LaneMask rest = lanes; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    const int thread = warp.first_thread() + lane;
    Located located;
    if (!block.locate_quickly(addresses[lane], form.space, form.bytes, &located)) {
      located = block.locate(thread, addresses[lane], form.space, form.bytes, form.bytes, form.kind,
                             instruction);
    }
    at.data[lane] = located.data;
    last = located;
    if (located.written != nullptr) {
      if (writes) {
        const bool poisoned = has_lane(poisoned_value, lane);
        if (poisoned && located.space == ptx::Space::kGlobal) stored_poison |= 1u << lane;
        const bool marks = !poisoned || located.space == ptx::Space::kGlobal;
        std::memset(located.written, marks ? 1 : 0, form.bytes);
      } else if (any_unwritten(located.written, form.bytes)) {
        at.poisoned |= 1u << lane;
        if (form.kind == AccessKind::kAtomic) std::memset(located.written, 1, form.bytes);
      }
    }
    if (!races) continue;
    // Of lanes that read the same place the first and the last stand for all.
    const LaneMask after = rest & (rest - 1);
    const bool repeats = form.kind == AccessKind::kRead && addresses[lane] == previous &&
                         after != 0 && addresses[std::countr_zero(after)] == addresses[lane];
    previous = addresses[lane];
    if (repeats) continue;
    const View view = block.clocks.view(thread);
    if (swaps) {
      launch.grid.guesses.settle(
          {reinterpret_cast<std::uint64_t>(located.data) & ~3ull, view.block, view.slot});
    }
    const Conflict conflict =
        block.order(view, located, form.bytes, form.kind, form.scope, false, instruction);
    if (!conflict.found) continue;
    if (writes) {
      Suspect suspect{lane, located, conflict, view, {}};
      std::memcpy(suspect.before.data(), located.data, form.bytes);
      at.suspects.push_back(suspect);
    } else {
      block.report_conflict(conflict, view, located, form.kind, instruction);
    }
  }
  if (stored_poison != 0)
    report_poison(warp, instruction, stored_poison, "a store to global memory");
  if (launch.settings.count) count(warp, form, last, lanes, addresses);
  return at;
}

void report_suspects(Warp& warp, const Instruction& instruction, const AccessForm& form,
                     const LaneBytes& at) {
  for (const Suspect& suspect : at.suspects) {
    if (std::memcmp(suspect.before.data(), suspect.located.data, form.bytes) == 0) continue;
    warp.block.report_conflict(suspect.conflict, suspect.view, suspect.located, form.kind,
                               instruction);
  }
}

bool unwritten(Warp& warp, int lane, const AccessForm& form, const std::byte* data,
               std::uint32_t bytes) {
  Launch& launch = warp.block.launch;
  const auto address = reinterpret_cast<std::uint64_t>(data);
  const auto within = [&](const auto& memory) {
    const auto begin = reinterpret_cast<std::uint64_t>(memory.data());
    return address >= begin && address < begin + memory.size();
  };
  const auto flags = [&](const auto& memory, const std::vector<std::uint8_t>& written) {
    return any_unwritten(
        written.data() + (address - reinterpret_cast<std::uint64_t>(memory.data())), bytes);
  };
  static_cast<void>(lane);
  static_cast<void>(form);
  for (const std::unique_ptr<Block>& block : warp.block.cluster.blocks) {
    if (within(block->shared)) return flags(block->shared, block->shared_written);
  }
  if (within(warp.local)) return flags(warp.local, warp.local_written);
  const Allocation* allocation = launch.device.memory.find(address);
  return allocation != nullptr && address - allocation->begin < allocation->bytes &&
         any_unwritten(allocation->written.data() + (address - allocation->begin), bytes);
}

void report_poison(Warp& warp, const Instruction& instruction, LaneMask lanes, const char* use) {
  warp.block.report(Check::kUninitialised, warp.first_thread() + std::countr_zero(lanes),
                    instruction, fmt::format("{} depends on a value that was never written", use));
}

}  // namespace moe::simt
