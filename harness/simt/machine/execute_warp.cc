#include "harness/simt/machine/execute_warp.h"

#include <algorithm>
#include <bit>
#include <mutex>

#include "harness/simt/execute/wgmma.h"
#include "harness/simt/machine/block.h"
#include "harness/simt/machine/launch.h"
#include "harness/simt/machine/warp_access.h"

namespace moe::simt {
namespace {

bool same_place(const Fragment& a, const Fragment& b) {
  return a.pc == b.pc && a.returns == b.returns;
}

void drop_empty(Warp& warp) {
  std::erase_if(warp.fragments, [](const Fragment& fragment) { return fragment.lanes == 0; });
}

// Fragments that stand at the same place go on as one.
void merge_runnable(Warp& warp) {
  for (std::size_t i = 0; i < warp.fragments.size(); ++i) {
    if (warp.fragments[i].blocked) continue;
    for (std::size_t j = warp.fragments.size(); j-- > i + 1;) {
      Fragment& other = warp.fragments[j];
      if (!other.blocked && same_place(warp.fragments[i], other)) {
        warp.fragments[i].lanes |= other.lanes;
        warp.fragments.erase(warp.fragments.begin() + static_cast<std::ptrdiff_t>(j));
      }
    }
  }
}

// Lanes asleep in a collective are taken along by those that arrive at it.
void take_sleepers(Warp& warp) {
  if (warp.fragments.size() < 2) return;
  Fragment& running = *warp.running;
  for (Fragment& other : warp.fragments) {
    if (&other != &running && other.blocked && other.waiting_for != 0 &&
        same_place(running, other)) {
      running.lanes |= other.lanes;
      other.lanes = 0;  // dropped at the next choice; waits for nothing until then
      other.waiting_for = 0;
    }
  }
}

// The natural choice is the lane furthest behind, deepest call first: branches meet again soon.
Fragment* choose(Warp& warp, bool rotate) {
  drop_empty(warp);
  Launch& launch = warp.block.launch;
  if (warp.fragments.size() > 1) merge_runnable(warp);
  Fragment* best = nullptr;
  int runnable = 0;
  for (Fragment& fragment : warp.fragments) {
    if (fragment.blocked) continue;
    ++runnable;
    if (best == nullptr || fragment.returns.size() > best->returns.size() ||
        (fragment.returns.size() == best->returns.size() && fragment.pc < best->pc)) {
      best = &fragment;
    }
  }
  if (runnable < 2) return best;
  const bool random = launch.settings.schedule == Schedule::kRandom;
  if (rotate || random) {
    std::uint64_t skip = launch.random(runnable);
    for (Fragment& fragment : warp.fragments) {
      if (!fragment.blocked && skip-- == 0) return &fragment;
    }
  }
  if (launch.settings.schedule == Schedule::kReversed) {
    for (Fragment& fragment : warp.fragments) {
      if (!fragment.blocked && fragment.lanes > best->lanes) best = &fragment;
    }
  }
  return best;
}

// Threads are independent: at random, some lanes are held back while the others go on.
void split_at_random(Warp& warp) {
  Launch& launch = warp.block.launch;
  Fragment& fragment = *warp.running;
  if (std::popcount(fragment.lanes) < 2 || warp.fragments.size() >= 4 || launch.random(12) != 0)
    return;
  const LaneMask kept = fragment.lanes & static_cast<LaneMask>(launch.random());
  if (kept == 0 || kept == fragment.lanes) return;
  Fragment other = fragment;
  other.lanes = fragment.lanes & ~kept;
  fragment.lanes = kept;
  warp.fragments.push_back(other);
}

void propagate_poison(Warp& warp, const Instruction& i, LaneMask lanes) {
  const LaneMask any =
      warp.poison(i.src[0]) | warp.poison(i.src[1]) | warp.poison(i.src[2]) | warp.poison(i.src[3]);
  warp.set_poison(i.dst, lanes, any);
}

// Lanes of a guarded instruction; splits the others off where the handler wants them gone.
LaneMask guarded(Warp& warp, const Instruction& i, LaneMask lanes) {
  const LaneMask unknown = warp.poison(i.guard) & lanes;
  if (unknown != 0) report_poison(warp, i, unknown, "a branch or guard");
  const LaneMask predicate = warp.predicate(i.guard);
  const LaneMask active = lanes & (i.guard_negated ? ~predicate : predicate);
  if (i.splits && active != 0 && active != lanes) {
    Fragment other = *warp.running;
    other.lanes = lanes & ~active;
    ++other.pc;
    warp.running->lanes = active;
    warp.fragments.push_back(other);
    if (i.kind == InstructionClass::kControl) ++warp.block.launch.counters.divergent_branches;
  }
  return active;
}

}  // namespace

SliceEnd execute(Warp& warp, std::uint32_t budget, bool rotate, std::uint64_t* executed) {
  Launch& launch = warp.block.launch;
  const Instruction* code = launch.kernel.code.data();
  const bool natural = launch.settings.schedule == Schedule::kNatural && !rotate;
  const bool count = launch.settings.count;
  WgmmaGuard* wgmma = launch.kernel.uses_async_proxy ? &wgmma_guard(warp) : nullptr;
  SliceEnd end = SliceEnd::kSpent;
  std::uint32_t done = 0;
  bool choose_again = true;
  while (done < budget) {
    if (choose_again || (natural && warp.fragments.size() > 1)) {
      warp.running = choose(warp, rotate);
      if (warp.running == nullptr) {
        end = warp.fragments.empty() ? SliceEnd::kFinished : SliceEnd::kBlocked;
        break;
      }
      if (choose_again && launch.settings.schedule == Schedule::kRandom) split_at_random(warp);
      choose_again = false;
    }
    const Instruction& i = code[warp.running->pc];
    ++done;
    LaneMask lanes = warp.running->lanes;
    if (i.guard != kNoReg) {
      lanes = guarded(warp, i, lanes);
      if (lanes == 0) {
        ++warp.running->pc;
        continue;
      }
    }
    if (i.splits) {
      take_sleepers(warp);
      lanes = warp.running->lanes;
    }
    if (count) {
      const int kind = static_cast<int>(i.kind);
      ++launch.counters.warp_instructions[kind];
      launch.counters.thread_instructions[kind] += std::popcount(lanes);
    }
    if (!i.own_poison && i.dst != kNoReg) propagate_poison(warp, i, lanes);
    if (wgmma != nullptr && wgmma->active()) wgmma->check(warp, i);
    std::unique_lock<std::mutex> alone(launch.grid.strong, std::defer_lock);
    if (i.strong && launch.grid.parallel) alone.lock();
    const Outcome outcome = i.handler(warp, i, lanes);
    switch (outcome) {
      case Outcome::kNext:
        ++warp.running->pc;
        break;
      case Outcome::kJumped:
        if (warp.running->lanes == 0 || warp.running->blocked) choose_again = true;
        break;
      case Outcome::kBlocked:
        choose_again = true;
        break;
      case Outcome::kYield:
        ++warp.running->pc;
        end = SliceEnd::kYielded;
        budget = done;
        break;
    }
  }
  drop_empty(warp);
  warp.running = nullptr;
  if (warp.fragments.empty()) end = SliceEnd::kFinished;
  *executed += done;
  return end;
}

}  // namespace moe::simt
