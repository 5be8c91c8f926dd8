// Order by strong accesses and fences: release patterns, acquire patterns, and the lanes of a warp.
// Source: PTX ISA 9.0, "Memory Consistency Model": release and acquire patterns, morally strong.
#include <bit>

#include "harness/simt/machine/launch.h"
#include "harness/simt/machine/warp_access.h"

namespace moe::simt {
namespace {

Warp::FenceState& fence_state(Warp& warp, int lane) {
  if (warp.fences.empty()) warp.fences.resize(kLanes);
  return warp.fences[lane];
}

// The place where order through the word at `data` is kept, or null where none is needed.
Released* released_at(Warp& warp, const std::byte* data, bool create) {
  Launch& launch = warp.block.launch;
  if (!launch.settings.check_races) return nullptr;
  const auto address = reinterpret_cast<std::uint64_t>(data);
  for (const std::unique_ptr<Block>& block : warp.block.cluster.blocks) {
    const auto begin = reinterpret_cast<std::uint64_t>(block->shared.data());
    if (address < begin || address >= begin + block->shared.size()) continue;
    const auto offset = static_cast<std::uint32_t>(address - begin) & ~3u;
    if (create) return &block->shared_released[offset];
    const auto found = block->shared_released.find(offset);
    return found == block->shared_released.end() ? nullptr : &found->second;
  }
  if (create) return &launch.grid.released[address & ~3ull];
  const auto found = launch.grid.released.find(address & ~3ull);
  return found == launch.grid.released.end() ? nullptr : &found->second;
}

}  // namespace

void note_strong_write(Warp& warp, int lane, const AccessForm& form, const std::byte* data,
                       bool release, bool continues) {
  SnapshotRef snapshot;
  Scope scope = form.scope;
  if (release) {
    snapshot = warp.block.release(warp.first_thread() + lane);
  } else if (!warp.fences.empty()) {
    snapshot = warp.fences[lane].released;
    scope = std::min(scope, warp.fences[lane].released_scope);
  }
  if (!snapshot) {  // a plain relaxed write: what was released before it is no longer what is read
    if (Released* released = released_at(warp, data, false); released != nullptr && !continues) {
      released->snapshot = nullptr;
    }
    return;
  }
  Released* released = released_at(warp, data, true);
  if (released == nullptr) return;
  released->snapshot = continues ? join(snapshot, released->snapshot) : snapshot;
  released->scope = scope;
  released->block = warp.block.linear;
}

void note_strong_read(Warp& warp, int lane, const AccessForm& form, const std::byte* data,
                      bool acquire) {
  const Released* released = released_at(warp, data, false);
  if (released == nullptr || !released->snapshot) return;
  const bool same_block = released->block == warp.block.linear;
  if (!same_block && (released->scope == Scope::kBlock || form.scope == Scope::kBlock)) return;
  if (acquire) {
    warp.block.acquire(warp.first_thread() + lane, released->snapshot);
  } else {
    Warp::FenceState& state = fence_state(warp, lane);
    state.pending = join(state.pending, released->snapshot);
  }
}

void fence(Warp& warp, LaneMask lanes, Scope scope) {
  if (!warp.block.launch.settings.check_races) return;
  for_each_lane(lanes, [&](int lane) {
    Warp::FenceState& state = fence_state(warp, lane);
    const int thread = warp.first_thread() + lane;
    if (state.pending) {
      warp.block.acquire(thread, state.pending);
      state.pending = nullptr;
    }
    state.released = warp.block.release(thread);
    state.released_scope = scope;
  });
}

void synchronise_lanes(Warp& warp, LaneMask lanes) {
  if (!warp.block.launch.settings.check_races) return;
  std::vector<LaneMask> participants(warp.block.warps.size(), 0);
  participants[warp.index] = lanes | warp.exited;  // the whole warp again where it can be
  warp.block.clocks.synchronise(participants);
}

}  // namespace moe::simt
