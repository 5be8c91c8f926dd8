// What a kernel did, in exact counts. Deterministic for a natural schedule; never a time.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "harness/simt/machine/instruction.h"

namespace moe::simt {

struct Counters {
  std::array<std::uint64_t, static_cast<int>(InstructionClass::kCount)> warp_instructions{};
  std::array<std::uint64_t, static_cast<int>(InstructionClass::kCount)> thread_instructions{};
  struct Traffic {
    std::uint64_t requests = 0;  // warp-level accesses
    std::uint64_t bytes = 0;     // asked for by lanes
    std::uint64_t sectors = 0;   // global: distinct 32-byte sectors; shared: bank cycles
    std::uint64_t ideal = 0;     // the fewest sectors (or cycles) those bytes could take
  };
  Traffic global_load, global_store, shared_load, shared_store, local_load, local_store;
  std::uint64_t global_atomics = 0, shared_atomics = 0;  // lanes
  std::uint64_t async_copy_bytes = 0;                    // cp.async, bulk and tensor copies
  std::uint64_t mma = 0;                                 // mma.sync instructions
  std::uint64_t wgmma = 0;          // wgmma.mma_async instructions (per warpgroup)
  std::uint64_t multiply_adds = 0;  // of both
  std::uint64_t barriers = 0;       // block-wide barriers passed
  std::uint64_t divergent_branches = 0;
  std::uint64_t blocks = 0;

  void add(const Counters& other);
};

std::string_view name_of(InstructionClass kind);

}  // namespace moe::simt
