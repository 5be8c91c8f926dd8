#include "harness/simt/machine/warp.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/simt/execute/collective.h"
#include "harness/simt/machine/barriers.h"
#include "harness/simt/machine/block.h"
#include "harness/simt/machine/launch.h"

namespace moe::simt {
namespace {

void fill32(Warp& warp, Reg reg, std::uint32_t value) {
  std::fill_n(warp.value<std::uint32_t>(reg), kLanes, value);
}

}  // namespace

Warp::Warp(Block& block_in, int index_in) : block(block_in), index(index_in) {
  const Kernel& kernel = block.launch.kernel;
  file_ = block.launch.take_frame();
  poison_.assign(kernel.file_bytes / kRowBytes, kAllLanes);
  std::fill_n(poison_.begin(), static_cast<int>(Special::kCount), 0);
  for (const Constant& constant : kernel.constants) {
    std::fill_n(poison_.begin() + constant.reg / kRowBytes, std::max(1, constant.bytes / 4), 0);
  }
  local.assign(static_cast<std::size_t>(kernel.local_bytes) * kLanes, std::byte{0xff});
  local_written.assign(local.size(), 0);
  const int here = std::min(kLanes, block.threads - first_thread());
  const LaneMask present = here == kLanes ? kAllLanes : (1u << here) - 1;
  exited = ~present;
  fragments.reserve(8 * kLanes);
  Fragment all;
  all.lanes = present;
  fragments.push_back(all);
  set_special_registers();
}

Warp::~Warp() { block.launch.give_frame(file_); }

void Warp::set_special_registers() {
  const Launch& launch = block.launch;
  const Kernel& kernel = launch.kernel;
  const Dim3& shape = launch.config.block;
  const Dim3& grid = launch.config.grid;
  const unsigned* cluster = launch.cluster_shape;
  const auto all = [&](Special which, std::uint32_t value) {
    fill32(*this, kernel.special(which), value);
  };
  const auto each = [&](Special which, auto value_of) {
    std::uint32_t* lanes = value<std::uint32_t>(kernel.special(which));
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = value_of(static_cast<unsigned>(lane));
  };
  const unsigned first = static_cast<unsigned>(first_thread());
  each(Special::kTidX, [&](unsigned l) { return (first + l) % shape.x; });
  each(Special::kTidY, [&](unsigned l) { return (first + l) / shape.x % shape.y; });
  each(Special::kTidZ, [&](unsigned l) { return (first + l) / shape.x / shape.y; });
  each(Special::kLaneId, [](unsigned l) { return l; });
  each(Special::kLaneMaskEq, [](unsigned l) { return 1u << l; });
  each(Special::kLaneMaskLt, [](unsigned l) { return (1u << l) - 1; });
  each(Special::kLaneMaskLe, [](unsigned l) { return (2ull << l) - 1; });
  each(Special::kLaneMaskGt, [](unsigned l) { return ~((2ull << l) - 1); });
  each(Special::kLaneMaskGe, [](unsigned l) { return ~((1u << l) - 1); });
  all(Special::kNtidX, shape.x), all(Special::kNtidY, shape.y), all(Special::kNtidZ, shape.z);
  all(Special::kCtaidX, block.index[0]), all(Special::kCtaidY, block.index[1]);
  all(Special::kCtaidZ, block.index[2]);
  all(Special::kNctaidX, grid.x), all(Special::kNctaidY, grid.y), all(Special::kNctaidZ, grid.z);
  all(Special::kWarpId, index);
  all(Special::kNwarpId, static_cast<std::uint32_t>((shape.count() + kLanes - 1) / kLanes));
  all(Special::kSmId, block.linear % launch.device.architecture.multiprocessors);
  all(Special::kNsmId, launch.device.architecture.multiprocessors);
  all(Special::kGridId, launch.generation);
  all(Special::kDynamicShared, static_cast<std::uint32_t>(launch.config.dynamic_shared));
  all(Special::kTotalShared, static_cast<std::uint32_t>(launch.shared_bytes));
  all(Special::kClusterIdX, block.index[0] / cluster[0]);
  all(Special::kClusterIdY, block.index[1] / cluster[1]);
  all(Special::kClusterIdZ, block.index[2] / cluster[2]);
  all(Special::kNclusterIdX, grid.x / cluster[0]);
  all(Special::kNclusterIdY, grid.y / cluster[1]);
  all(Special::kNclusterIdZ, grid.z / cluster[2]);
  all(Special::kClusterCtaidX, block.index[0] % cluster[0]);
  all(Special::kClusterCtaidY, block.index[1] % cluster[1]);
  all(Special::kClusterCtaidZ, block.index[2] % cluster[2]);
  all(Special::kClusterNctaidX, cluster[0]), all(Special::kClusterNctaidY, cluster[1]);
  all(Special::kClusterNctaidZ, cluster[2]);
  all(Special::kClusterCtaRank, block.rank);
  all(Special::kClusterNctaRank, cluster[0] * cluster[1] * cluster[2]);
  // A predicate: one bit a lane in the first word.
  *value<LaneMask>(kernel.special(Special::kIsExplicitCluster)) =
      cluster[0] * cluster[1] * cluster[2] > 1 ? kAllLanes : 0;
  all(Special::kZero, 0);
}

bool Warp::runnable() const {
  return std::any_of(fragments.begin(), fragments.end(),
                     [](const Fragment& fragment) { return !fragment.blocked; });
}

void Warp::exit(const Instruction& at, LaneMask lanes) {
  exited |= lanes;
  running->lanes &= ~lanes;
  block.live_threads -= std::popcount(lanes);
  ++block.launch.progress;
  for (Fragment& fragment : fragments) {
    const LaneMask missed = fragment.blocked ? fragment.waiting_for & lanes : 0;
    if (missed != 0) {
      const Instruction& waiting = block.launch.kernel.code[fragment.pc];
      block.fault(
          Check::kDivergence, first_thread() + std::countr_zero(fragment.lanes), waiting,
          fmt::format("waits for lane {}, named in its mask, which left the kernel at PTX "
                      "line {} without executing it",
                      std::countr_zero(missed), at.source == nullptr ? 0 : at.source->place.line));
    }
  }
  block.part<Barriers>().thread_exited(block);
}

bool collect(Warp& warp, const Instruction& instruction, LaneMask lanes, LaneMask members) {
  if ((lanes & ~members) != 0) {
    const int lane = std::countr_zero(lanes & ~members);
    warp.block.fault(
        Check::kDivergence, warp.first_thread() + lane, instruction,
        fmt::format("lane {} executes this, but its member mask {:#x} does not name it", lane,
                    members));
  }
  const LaneMask missing = members & ~warp.exited & ~lanes;
  warp.running->waiting_for = missing;
  if (missing == 0) return true;
  warp.running->blocked = true;
  warp.running->sleeping_on = 0;
  return false;
}

void leave_waiting(Warp& warp, LaneMask lanes) {
  Fragment waiting = *warp.running;
  waiting.lanes = lanes;
  waiting.blocked = true;
  waiting.sleeping_on = 0;
  warp.running->lanes &= ~lanes;
  warp.fragments.push_back(waiting);
}

}  // namespace moe::simt
