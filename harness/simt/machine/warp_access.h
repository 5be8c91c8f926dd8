// A warp's load, store or atomic: where each lane's bytes are, after every check.
#pragma once
#include <array>
#include <cstddef>
#include <vector>

#include "harness/simt/machine/block.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {

// What the instruction says about its access; decoded once.
struct AccessForm {
  ptx::Space space = ptx::Space::kGeneric;
  Reg base = kNoReg;  // address register (64-bit; 32-bit where `narrow`)
  bool narrow = false;
  std::int64_t offset = 0;
  std::uint32_t bytes = 0;  // of one lane, all elements of a vector together; also the alignment
  AccessKind kind = AccessKind::kRead;
  Scope scope = Scope::kNone;  // kNone: weak. Volatile counts as relaxed at device scope
};

// A write in conflict with an earlier access. It is only a race if it changes the bytes: threads
// that write the same value to one place are left in peace.
struct Suspect {
  int lane = 0;
  Located located;
  Conflict conflict;
  View view;
  std::array<std::byte, 32> before{};
};

struct LaneBytes {
  std::array<std::byte*, kLanes> data;  // of active lanes
  // Reads: lanes where some byte was never written; `unwritten(lane, offset, bytes)` tells which
  // part.
  LaneMask poisoned = 0;
  std::vector<Suspect> suspects;
};

// Checks bounds, alignment, lifetime, poison of the address register, races, and counts traffic.
// Writes: call before the bytes change, with `poisoned_value`: the lanes whose value to be stored
// is poisoned (their bytes become unwritten in shared and local memory; in global memory it is
// reported).
LaneBytes resolve(Warp& warp, const Instruction& instruction, const AccessForm& form,
                  LaneMask lanes, LaneMask poisoned_value = 0);

// After a store has put its bytes in place: reports those suspects that changed something.
void report_suspects(Warp& warp, const Instruction& instruction, const AccessForm& form,
                     const LaneBytes& at);

// Whether any of the bytes [data, data + bytes) of a lane's access was never written; for vectors.
bool unwritten(Warp& warp, int lane, const AccessForm& form, const std::byte* data,
               std::uint32_t bytes);

// ---- order of strong accesses (PTX memory consistency model) -----------------------------------
// After a strong store or a read-modify-write at `address` by lanes: what readers of it may
// acquire. `release`: the instruction has .release semantics; otherwise an earlier fence of the
// thread counts. `continues`: a read-modify-write, which continues the release sequence of the
// value it replaced.
void note_strong_write(Warp& warp, int lane, const AccessForm& form, const std::byte* data,
                       bool release, bool continues);
// After a strong load or a read-modify-write: `acquire` takes effect at once, otherwise at the next
// fence.
void note_strong_read(Warp& warp, int lane, const AccessForm& form, const std::byte* data,
                      bool acquire);
// fence.acq_rel / fence.sc / membar of the given scope, by each of the lanes.
void fence(Warp& warp, LaneMask lanes, Scope scope);
// bar.warp.sync: the lanes know of each other all that happened before.
void synchronise_lanes(Warp& warp, LaneMask lanes);

// A branch, address or global store that depends on a value never written: reports it.
void report_poison(Warp& warp, const Instruction& instruction, LaneMask lanes, const char* use);

}  // namespace moe::simt
