// The copies of cp.async that are in flight.
#include "harness/simt/execute/cp_async.h"

#include <algorithm>
#include <cstring>

#include "harness/simt/machine/launch.h"

namespace moe::simt {
namespace {

void copy(const CopyBatch::LaneCopy& copy) {
  const std::uint32_t rest = copy.bytes - copy.from_bytes;
  if (copy.from_bytes > 0) std::memcpy(copy.to.data, copy.from.data, copy.from_bytes);
  std::memset(copy.to.data + copy.from_bytes, 0, rest);
  // Bytes never written stay so.
  if (copy.from_bytes > 0 && copy.from.written != nullptr) {
    std::memcpy(copy.to.written, copy.from.written, copy.from_bytes);
  } else {
    std::memset(copy.to.written, 1, copy.from_bytes);
  }
  std::memset(copy.to.written + copy.from_bytes, 1, rest);
}

}  // namespace

Tick WarpCopies::commit(int lane) {
  // Groups before the last wait are never asked for again, so a few hundred are enough; wait_group
  // takes an immediate number, and kernels use less than ten.
  constexpr std::size_t kKept = 512;
  std::vector<Tick>& groups = committed_[lane];
  if (groups.size() == 2 * kKept) groups.erase(groups.begin(), groups.begin() + kKept);
  groups.push_back(open_[lane]);
  return open_[lane]++;
}

Tick WarpCopies::tick_of_wait(int lane, std::uint32_t newest) const {
  const std::vector<Tick>& groups = committed_[lane];
  return groups.size() > newest ? groups[groups.size() - 1 - newest] : 0;
}

void WarpCopies::complete(Block& block, int lane, Tick upto) {
  bool any = false;
  for (const std::unique_ptr<CopyBatch>& batch : batches_) {
    if (!has_lane(batch->lanes, lane) || batch->copies[lane].tick > upto) continue;
    copy(batch->copies[lane]);
    batch->lanes &= ~(1u << lane);
    any = true;
  }
  if (!any) return;
  ++block.launch.progress;
  settle();
}

void WarpCopies::add(Block& block, const Instruction& at, std::unique_ptr<CopyBatch> batch) {
  batches_.push_back(std::move(batch));
  if (!is_queued_) queue(block, at);
}

void WarpCopies::queue(Block& block, const Instruction& at) {
  is_queued_ = true;
  block.queue(at, [this, &block, &at] {
    is_queued_ = false;
    if (batches_.empty()) return;  // waits have done them all
    complete_one(block);
    if (!batches_.empty()) queue(block, at);
  });
}

void WarpCopies::complete_one(Block& block) {
  Launch& launch = block.launch;
  const bool random = launch.settings.async == AsyncCompletion::kRandom;
  CopyBatch& batch = *batches_[random ? launch.random(batches_.size()) : 0];
  for_each_lane(batch.lanes, [&](int lane) { copy(batch.copies[lane]); });
  batch.lanes = 0;
  ++launch.progress;
  settle();
}

void WarpCopies::when_done(int lane, Tick tick, std::function<void()> arrive) {
  arrivals_.push_back({lane, tick, std::move(arrive)});
  settle();
}

bool WarpCopies::is_done(int lane, Tick tick) const {
  return std::none_of(batches_.begin(), batches_.end(), [&](const auto& batch) {
    return has_lane(batch->lanes, lane) && batch->copies[lane].tick <= tick;
  });
}

void WarpCopies::settle() {
  std::erase_if(batches_, [](const auto& batch) { return batch->lanes == 0; });
  for (auto arrival = arrivals_.begin(); arrival != arrivals_.end();) {
    if (!is_done(arrival->lane, arrival->tick)) {
      ++arrival;
      continue;
    }
    const std::function<void()> arrive = std::move(arrival->arrive);
    arrival = arrivals_.erase(arrival);
    arrive();
  }
}

}  // namespace moe::simt
