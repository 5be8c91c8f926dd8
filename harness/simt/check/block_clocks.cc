#include "harness/simt/check/block_clocks.h"

#include <algorithm>

namespace moe::simt {

BlockClocks::BlockClocks(std::uint32_t block, int warps)
    : block_(block),
      threads_(static_cast<std::uint32_t>(warps * kLanes)),
      bases_(warps),
      ticks_(warps, 1),
      known_copies_(threads_, 0) {}

void BlockClocks::set_base(int thread, SnapshotRef snapshot) {
  WarpBase& warp = bases_[thread / kLanes];
  if (!warp.own) {
    warp.own = std::make_unique<std::array<SnapshotRef, kLanes>>();
    warp.own->fill(warp.common);
  }
  (*warp.own)[thread % kLanes] = std::move(snapshot);
}

namespace {

std::shared_ptr<Snapshot> editable(const SnapshotRef& from, std::uint32_t block) {
  if (from && from->block == block) return std::make_shared<Snapshot>(*from);
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->block = block;
  return snapshot;
}

void set_tick(std::vector<Tick>& ticks, std::uint32_t slot, Tick tick) {
  if (ticks.size() <= slot) ticks.resize(slot + 1);
  ticks[slot] = std::max(ticks[slot], tick);
}

}  // namespace

SnapshotRef BlockClocks::release(int thread) {
  auto snapshot = editable(base(thread), block_);
  snapshot->seen.resize(std::max<std::size_t>(snapshot->seen.size(), threads_));
  set_tick(snapshot->seen, thread, ticks_[thread / kLanes]++);
  if (known_copies_[thread] > 0) {
    set_tick(snapshot->seen, threads_ + thread, known_copies_[thread]);
  }
  return snapshot;
}

void BlockClocks::acquire(int thread, const SnapshotRef& snapshot) {
  if (!snapshot || snapshot == base(thread)) return;
  SnapshotRef own = base(thread);
  if (!own) own = editable(nullptr, block_);
  set_base(thread, join(own, snapshot));
}

SnapshotRef BlockClocks::synchronise(std::span<const LaneMask> lanes, const SnapshotRef& also) {
  SnapshotRef all;
  const Snapshot* last = nullptr;
  const auto add = [&](const SnapshotRef& base) {
    if (!base || base.get() == last) return;
    last = base.get();
    all = join(all, base);
  };
  for (std::size_t warp = 0; warp < lanes.size(); ++warp) {
    if (lanes[warp] == 0) continue;
    if (!bases_[warp].own) {
      add(bases_[warp].common);
    } else {
      for_each_lane(lanes[warp], [&](int lane) { add((*bases_[warp].own)[lane]); });
    }
  }
  if (also) all = join(all ? all : editable(nullptr, block_), also);
  auto snapshot = editable(all, block_);
  snapshot->seen.resize(std::max<std::size_t>(snapshot->seen.size(), threads_));
  for (std::size_t warp = 0; warp < lanes.size(); ++warp) {
    if (lanes[warp] == 0) continue;
    const Tick tick = ticks_[warp]++;
    for_each_lane(lanes[warp], [&](int lane) {
      const std::uint32_t thread = warp * kLanes + lane;
      snapshot->seen[thread] = tick;
      if (known_copies_[thread] > 0) {
        set_tick(snapshot->seen, threads_ + thread, known_copies_[thread]);
      }
    });
  }
  const SnapshotRef result = std::move(snapshot);
  for (std::size_t warp = 0; warp < lanes.size(); ++warp) {
    if (lanes[warp] == kAllLanes) {
      bases_[warp].own.reset();
      bases_[warp].common = result;
    } else {
      for_each_lane(lanes[warp], [&](int lane) { set_base(warp * kLanes + lane, result); });
    }
  }
  return result;
}

void BlockClocks::proxy_fence(int thread) {
  auto snapshot = editable(release(thread), block_);
  snapshot->fenced = snapshot->seen;
  set_base(thread, std::move(snapshot));
}

BlockClocks::Operation BlockClocks::start_operation(int thread) {
  if (free_operations_.empty()) {
    free_operations_.push_back(static_cast<std::uint32_t>(operation_ticks_.size()));
    operation_ticks_.push_back(0);
    operation_threads_.push_back(0);
  }
  const std::uint32_t index = free_operations_.back();
  free_operations_.pop_back();
  operation_threads_[index] = thread;
  Operation operation;
  operation.held = release(thread);
  operation.view.block = block_;
  operation.view.slot = first_operation_slot() + index;
  operation.view.tick = ++operation_ticks_[index];
  operation.view.seen = operation.held.get();
  return operation;
}

SnapshotRef BlockClocks::finish_operation(const Operation& operation) {
  free_operations_.push_back(operation.view.slot - first_operation_slot());
  auto snapshot = editable(operation.held, block_);
  set_tick(snapshot->seen, operation.view.slot, operation.view.tick);
  return snapshot;
}

BlockClocks::Operation BlockClocks::copies(int thread, Tick group) const {
  Operation operation;
  operation.held = base(thread);
  operation.view.block = block_;
  operation.view.slot = threads_ + static_cast<std::uint32_t>(thread);
  operation.view.tick = group;
  operation.view.seen = operation.held.get();
  operation.view.also_own = static_cast<std::uint32_t>(thread);
  return operation;
}

void BlockClocks::wait_copies(int thread, Tick group) {
  known_copies_[thread] = std::max(known_copies_[thread], group);
}

int BlockClocks::thread_of_slot(std::uint32_t slot) const {
  if (slot >= first_operation_slot()) return operation_threads_[slot - first_operation_slot()];
  return static_cast<int>(slot % threads_);
}

}  // namespace moe::simt
