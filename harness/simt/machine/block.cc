#include "harness/simt/machine/block.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "harness/simt/machine/launch.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {
namespace {

int warps_of(const Launch& launch) {
  return static_cast<int>((launch.config.block.count() + kLanes - 1) / kLanes);
}

}  // namespace

Block::Block(Launch& launch_in, Cluster& cluster_in, std::uint32_t linear_in, std::uint32_t rank_in)
    : launch(launch_in),
      cluster(cluster_in),
      index{linear_in % launch_in.config.grid.x,
            linear_in / launch_in.config.grid.x % launch_in.config.grid.y,
            linear_in / launch_in.config.grid.x / launch_in.config.grid.y},
      linear(linear_in),
      rank(rank_in),
      threads(static_cast<int>(launch_in.config.block.count())),
      live_threads(threads),
      shared(launch_in.shared_bytes, std::byte{0xff}),
      shared_written(launch_in.shared_bytes, 0),
      shared_shadow((launch_in.shared_bytes + ShadowPage::kBytes - 1) / ShadowPage::kBytes),
      clocks(linear_in, warps_of(launch_in)) {
  for (int i = 0; i < warps_of(launch); ++i) warps.push_back(std::make_unique<Warp>(*this, i));
}

Block::~Block() = default;

SnapshotRef Block::release(int thread) { return clocks.release(thread); }
void Block::acquire(int thread, const SnapshotRef& snapshot) { clocks.acquire(thread, snapshot); }
void Block::proxy_fence(int thread) { clocks.proxy_fence(thread); }
AsyncAgent Block::start_async(int thread) { return clocks.start_operation(thread); }
SnapshotRef Block::finish_async(const AsyncAgent& agent) { return clocks.finish_operation(agent); }
AsyncAgent Block::copy_agent(int thread, Tick group) { return clocks.copies(thread, group); }
void Block::wait_copies(int thread, Tick group) { clocks.wait_copies(thread, group); }

void Block::queue(const Instruction&, std::function<void()> complete) {
  ++launch.progress;
  if (launch.settings.async == AsyncCompletion::kEarly) {
    complete();
    return;
  }
  pending_.push_back({std::move(complete)});
}

void Block::complete_one() {
  if (pending_.empty()) return;
  const std::size_t which =
      launch.settings.async == AsyncCompletion::kRandom ? launch.random(pending_.size()) : 0;
  const AsyncOperation operation = std::move(pending_[which]);
  pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(which));
  ++launch.progress;
  operation.complete();
}

void Block::sleep_on(Warp& warp, std::uint64_t key, bool poll) {
  Fragment& fragment = *warp.running;
  fragment.blocked = true;
  fragment.sleeping_on = key;
  fragment.poll = poll;
  fragment.polled = false;
}

void Block::wake(std::uint64_t key) {
  for (const std::unique_ptr<Block>& block : cluster.blocks) {
    for (const std::unique_ptr<Warp>& warp : block->warps) {
      for (Fragment& fragment : warp->fragments) {
        if (fragment.blocked && fragment.sleeping_on == key) {
          fragment.blocked = false;
          fragment.sleeping_on = 0;
          fragment.polled = false;
        }
      }
    }
  }
  ++launch.progress;
}

Site Block::site(int thread, const Instruction& at) const {
  Site site;
  site.block = {index[0], index[1], index[2]};
  const Dim3& shape = launch.config.block;
  const unsigned t = static_cast<unsigned>(thread);
  site.thread = {t % shape.x, t / shape.x % shape.y, t / shape.x / shape.y};
  if (at.source != nullptr) {
    site.ptx_line = at.source->place.line;
    site.ptx_text = at.source->text;
    site.source = launch.kernel.program->source_of(at.source->place);
  }
  return site;
}

Finding Block::make_finding(Check check, int thread, const Instruction& at,
                            std::string message) const {
  Finding finding;
  finding.check = check;
  finding.kernel = launch.kernel.info.name;
  finding.site = site(thread, at);
  finding.message = std::move(message);
  return finding;
}

void Block::add_earlier(Finding& finding, const Mark& earlier) const {
  finding.has_other = true;
  // The other block may be gone; its shape is the same.
  finding.other = site(clocks.thread_of_slot(earlier.slot), launch.kernel.code[earlier.pc]);
  const Dim3& grid = launch.config.grid;
  finding.other.block = {earlier.block % grid.x, earlier.block / grid.x % grid.y,
                         earlier.block / grid.x / grid.y};
}

void Block::report(Check check, int thread, const Instruction& at, std::string message) {
  launch.record(make_finding(check, thread, at, std::move(message)));
}

void Block::report(Check check, int thread, const Instruction& at, std::string message,
                   const Mark& earlier) {
  Finding finding = make_finding(check, thread, at, std::move(message));
  add_earlier(finding, earlier);
  launch.record(std::move(finding));
}

void Block::fault(Check check, int thread, const Instruction& at, std::string message) {
  report(check, thread, at, message);
  throw KernelFault(message);
}

}  // namespace moe::simt
