// What one access of a warp costs the memory system, counted as a profiler would: 32-byte sectors
// of global and local memory, cycles of the shared memory's 32 banks. Sources: CUDA C++ programming
// guide 13.0, "Compute Capabilities" (global and shared memory), "Device Memory Accesses" (local).
#pragma once
#include <cstdint>
#include <span>

#include "harness/simt/machine/lanes.h"

namespace moe::simt {

inline constexpr int kSectorBytes = 32;
inline constexpr int kBankBytes = 4;
inline constexpr int kBanks = 32;

// Of Counters::Traffic: sectors (or cycles), and the fewest it could have been. used >= ideal.
struct AccessCost {
  std::uint32_t used = 0;
  std::uint32_t ideal = 0;
  bool operator==(const AccessCost&) const = default;
};

using LaneAddresses = std::span<const std::uint64_t, kLanes>;  // only those of active lanes count

// Global memory. Each lane reads or writes `bytes` (a power of two up to 32) at its address.
// `used`: distinct sectors touched. `ideal`: as many as the distinct bytes would fill, side by
// side.
AccessCost global_cost(LaneAddresses addresses, LaneMask active, int bytes);

// Local memory: `offsets` into each lane's own. Consecutive 4-byte words of one lane lie 128 bytes
// apart, those of neighbouring lanes side by side, so that lanes at the same offset share sectors.
AccessCost local_cost(LaneAddresses offsets, LaneMask active, int bytes);

// Shared memory: `offsets` into it. Up to 4 bytes a lane, the whole warp is one phase; with 8 bytes
// each half warp is one, with 16 each quarter. A phase takes a cycle for each distinct word of the
// bank that has the most; several lanes at one word cost nothing. `ideal`: phases with an active
// lane. For ldmatrix and stmatrix: 16 bytes at the row addresses, active the lanes that give one
// (8, 16 or 32): the eight rows of a matrix are a phase.
AccessCost shared_cost(LaneAddresses offsets, LaneMask active, int bytes);

}  // namespace moe::simt
