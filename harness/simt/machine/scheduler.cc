#include "harness/simt/machine/scheduler.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/simt/machine/execute_warp.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {
namespace {

constexpr std::uint32_t kNaturalSlice = 4096;  // long: a warp goes as far as it gets
constexpr std::uint32_t kRandomSlice = 64;
constexpr int kPollsBeforeDeadlock = 64;

// The blocks of cluster number `n`, ranks in order.
std::unique_ptr<Cluster> make_cluster(Launch& launch, std::uint64_t n) {
  auto cluster = std::make_unique<Cluster>();
  const Dim3& grid = launch.config.grid;
  const unsigned* shape = launch.cluster_shape;
  std::copy_n(shape, 3, cluster->shape);
  const std::uint64_t across = grid.x / shape[0], down = grid.y / shape[1];
  const std::uint64_t x0 = n % across * shape[0], y0 = n / across % down * shape[1];
  const std::uint64_t z0 = n / across / down * shape[2];
  std::uint32_t rank = 0;
  for (unsigned z = 0; z < shape[2]; ++z) {
    for (unsigned y = 0; y < shape[1]; ++y) {
      for (unsigned x = 0; x < shape[0]; ++x) {
        const std::uint64_t linear = ((z0 + z) * grid.y + y0 + y) * grid.x + x0 + x;
        cluster->blocks.push_back(
            std::make_unique<Block>(launch, *cluster, static_cast<std::uint32_t>(linear), rank++));
        ++launch.counters.blocks;
      }
    }
  }
  return cluster;
}

bool finished(const Cluster& cluster) {
  return std::all_of(cluster.blocks.begin(), cluster.blocks.end(),
                     [](const auto& block) { return block->finished() && !block->has_pending(); });
}

}  // namespace

Scheduler::Scheduler(Launch& launch) : launch_(launch) {
  const int per_cluster =
      static_cast<int>(launch.cluster_shape[0] * launch.cluster_shape[1] * launch.cluster_shape[2]);
  clusters_ = launch.config.grid.count() / per_cluster;
  resident_limit_ = std::max(1, launch.settings.resident_blocks / per_cluster);
}

void Scheduler::run() {
  admit();
  while (!resident_.empty() && !launch_.grid.failed.load(std::memory_order_relaxed)) {
    const std::uint64_t before = launch_.progress;
    if (launch_.settings.schedule == Schedule::kRandom) {
      run_random();
    } else {
      run_natural();
    }
    retire();
    admit();
    if (launch_.progress != last_progress_) {
      launch_.grid.progress.fetch_add(1, std::memory_order_relaxed);
      last_progress_ = launch_.progress;
      executed_at_progress_ = executed_;
      polls_without_progress_ = 0;
      rotate_ = false;
    }
    if (launch_.progress == before) {
      rotate_ = true;
      turn_ = resident_.empty() ? 0 : (turn_ + 1) % resident_.size();
    }
    if (executed_ - executed_at_progress_ > launch_.settings.stuck_after) {
      executed_at_progress_ = executed_;
      when_stuck();
    }
  }
}

bool Scheduler::admit_one() {
  if (launch_.grid.next_cluster.load() >= clusters_) return false;
  const std::uint64_t n = launch_.grid.next_cluster.fetch_add(1);
  if (n >= clusters_) return false;
  resident_.push_back(make_cluster(launch_, n));
  return true;
}

void Scheduler::admit() {
  while (static_cast<int>(resident_.size()) < resident_limit_ && admit_one()) {
  }
}

void Scheduler::retire() {
  const std::size_t before = resident_.size();
  std::erase_if(resident_, [](const auto& cluster) { return finished(*cluster); });
  if (resident_.size() != before) turn_ = 0;
}

bool Scheduler::run_warp(Warp& warp, std::uint32_t budget) {
  if (!warp.runnable()) return false;
  const std::uint64_t before = executed_;
  execute(warp, budget, rotate_, &executed_);
  return executed_ != before;
}

// Stays with one cluster as long as it moves: blocks then run one after another, in the caches.
void Scheduler::run_natural() {
  const bool reversed = launch_.settings.schedule == Schedule::kReversed;
  bool ran = false;
  for (std::size_t i = 0; i < resident_.size() && !ran; ++i) {
    const std::size_t at = (turn_ + i) % resident_.size();
    Cluster& cluster = *resident_[reversed ? resident_.size() - 1 - at : at];
    const std::size_t blocks = cluster.blocks.size();
    for (std::size_t b = 0; b < blocks; ++b) {
      Block& block = *cluster.blocks[reversed ? blocks - 1 - b : b];
      const std::size_t warps = block.warps.size();
      for (std::size_t w = 0; w < warps; ++w) {
        ran |= run_warp(*block.warps[reversed ? warps - 1 - w : w], kNaturalSlice);
      }
      if (launch_.settings.async == AsyncCompletion::kRandom && block.has_pending() &&
          launch_.random(2) == 0) {
        block.complete_one();
      }
    }
  }
  if (!ran) when_stuck();
}

void Scheduler::run_random() {
  std::vector<Warp*> runnable;
  std::vector<Block*> pending;
  for (const auto& cluster : resident_) {
    for (const auto& block : cluster->blocks) {
      if (block->has_pending()) pending.push_back(block.get());
      for (const auto& warp : block->warps) {
        if (warp->runnable()) runnable.push_back(warp.get());
      }
    }
  }
  if (runnable.empty()) return when_stuck();
  // Several slices on one list: rebuilding it costs more than a slice.
  for (int i = 0; i < 16; ++i) {
    Warp& warp = *runnable[launch_.random(runnable.size())];
    run_warp(warp, 1 + static_cast<std::uint32_t>(launch_.random(kRandomSlice)));
    if (!pending.empty() && launch_.settings.async == AsyncCompletion::kRandom &&
        launch_.random(8) == 0) {
      Block& block = *pending[launch_.random(pending.size())];
      if (block.has_pending()) block.complete_one();
    }
  }
}

bool Scheduler::complete_pending() {
  std::unique_lock<std::mutex> lock(launch_.grid.strong, std::defer_lock);
  if (launch_.grid.parallel) lock.lock();  // a bulk reduction updates global memory
  for (const auto& cluster : resident_) {
    for (const auto& block : cluster->blocks) {
      if (!block->has_pending()) continue;
      block->complete_one();
      return true;
    }
  }
  return false;
}

bool Scheduler::wake_polls() {
  if (++polls_without_progress_ > kPollsBeforeDeadlock) return false;
  bool woken = false;
  for (const auto& cluster : resident_) {
    for (const auto& block : cluster->blocks) {
      for (const auto& warp : block->warps) {
        for (Fragment& fragment : warp->fragments) {
          if (!fragment.blocked || !fragment.poll) continue;
          fragment.blocked = false;
          fragment.polled = true;
          woken = true;
        }
      }
    }
  }
  return woken;
}

void Scheduler::when_stuck() {
  if (complete_pending()) return;
  // They may wait for a block that has not begun, or that another worker runs.
  const int most = launch_.device.architecture.multiprocessors;
  if (static_cast<int>(resident_.size()) < most && admit_one()) return;
  const std::uint64_t others = launch_.grid.progress.load();
  if (others != others_progress_) {
    others_progress_ = others;
    return;
  }
  if (wake_polls()) return;
  deadlock();
}

namespace {

std::string describe(const Launch& launch, const Block& block, const Warp& warp,
                     const Fragment& fragment) {
  const Instruction& at = launch.kernel.code[fragment.pc];
  std::string text = fmt::format(
      "\n    block {} warp {} lanes {:#x} {} PTX line {}", block.linear, warp.index, fragment.lanes,
      fragment.blocked ? "waits at" : "turns at", at.source == nullptr ? 0 : at.source->place.line);
  if (at.source != nullptr) {
    text += fmt::format(": {}", at.source->text.substr(0, 80));
    const std::string source = launch.kernel.program->source_of(at.source->place);
    if (!source.empty()) text += fmt::format(" ({})", source);
  }
  if (fragment.waiting_for != 0) text += fmt::format(", for lanes {:#x}", fragment.waiting_for);
  return text;
}

}  // namespace

std::string Scheduler::waiting_state() const {
  constexpr int kShown = 24;
  std::string text;
  int shown = 0;
  for (const auto& cluster : resident_) {
    for (const auto& block : cluster->blocks) {
      for (const auto& warp : block->warps) {
        for (const Fragment& fragment : warp->fragments) {
          if (++shown <= kShown) text += describe(launch_, *block, *warp, fragment);
        }
      }
    }
  }
  if (shown > kShown) text += fmt::format("\n    and {} more", shown - kShown);
  return text;
}

void Scheduler::deadlock() {
  Block* first_block = nullptr;
  const Warp* first_warp = nullptr;
  const Fragment* first = nullptr;
  // Lanes that wait for others of their warp, which wait elsewhere: divergence is the better word.
  bool diverged = false;
  for (const auto& cluster : resident_) {
    for (const auto& block : cluster->blocks) {
      for (const auto& warp : block->warps) {
        for (const Fragment& fragment : warp->fragments) {
          const bool waits_for_lanes = fragment.blocked && fragment.waiting_for != 0;
          if (first == nullptr || (waits_for_lanes && !diverged)) {
            first_block = block.get();
            first_warp = warp.get();
            first = &fragment;
            diverged = waits_for_lanes;
          }
        }
      }
    }
  }
  const Instruction& at = launch_.kernel.code[first->pc];
  const int thread = first_warp->first_thread() + std::countr_zero(first->lanes);
  first_block->fault(
      diverged ? Check::kDivergence : Check::kDeadlock, thread, at,
      fmt::format("{}{}",
                  diverged ? "lanes of a warp wait for each other at different instructions:"
                           : "nothing can go on; every warp that is left:",
                  waiting_state()));
}

}  // namespace moe::simt
