// Operations on mbarrier objects, and what is forbidden.
#include "harness/simt/execute/mbarrier.h"

#include <fmt/format.h>

#include <cstring>

#include "harness/simt/execute/cp_async_address.h"
#include "harness/simt/machine/launch.h"

namespace moe::simt {
namespace {

constexpr std::uint32_t kBytes = 8;

// An mbarrier's storage is read, as far as races go: operations on a live object never race with
// each other, but a store there races with all of them.
Located locate_storage(Block& block, const View& view, int thread, std::uint32_t address,
                       AccessKind kind, bool async_proxy, const Instruction& at) {
  const Located located =
      block.locate(thread, address, ptx::Space::kShared, kBytes, kBytes, kind, at);
  order_access(block, view, located, kBytes, kind, async_proxy, at);
  return located;
}

void store_word(const Located& located, const MbarrierState& state) {
  const std::uint64_t word = state.word();
  std::memcpy(located.data, &word, sizeof(word));
  std::memset(located.written, 1, sizeof(word));
}

bool holds_word(const Located& located, const MbarrierState& state) {
  const std::uint64_t word = state.word();
  return std::memcmp(located.data, &word, sizeof(word)) == 0;
}

}  // namespace

MbarrierOperation::MbarrierOperation(Block& block, int thread, std::uint32_t address,
                                     const Instruction& at)
    : MbarrierOperation(block, block.clocks.view(thread), thread, address, at, false) {}

MbarrierOperation::MbarrierOperation(Block& block, const AsyncAgent& agent, std::uint32_t address,
                                     const Instruction& at, bool async_proxy)
    : MbarrierOperation(block, agent.view, block.clocks.thread_of_slot(agent.view.slot), address,
                        at, async_proxy) {}

MbarrierOperation::MbarrierOperation(Block& block, const View& view, int thread,
                                     std::uint32_t address, const Instruction& at, bool async_proxy)
    : block_(block), thread_(thread), at_(at) {
  located_ = locate_storage(block, view, thread, address, AccessKind::kRead, async_proxy, at);
  auto& objects = located_.owner->part<Mbarriers>().objects;
  const auto found = objects.find(located_.shared_offset);
  if (found == objects.end()) fault("no mbarrier.init was done here");
  if (!found->second.live) fault("the mbarrier was ended by mbarrier.inval");
  if (!holds_word(located_, found->second.state)) {
    fault("something other than an mbarrier operation has written over the mbarrier");
  }
  object_ = &found->second;
}

void MbarrierOperation::init(Block& block, int thread, std::uint32_t address, std::uint32_t count,
                             const Instruction& at) {
  if (const Misuse misuse = MbarrierState::misuse_of_count(count); !misuse.empty()) {
    block.fault(Check::kBarrier, thread, at, misuse);
  }
  const Located located = locate_storage(block, block.clocks.view(thread), thread, address,
                                         AccessKind::kWrite, false, at);
  auto& objects = located.owner->part<Mbarriers>().objects;
  const auto before = objects.find(located.shared_offset);
  if (before != objects.end() && before->second.live && holds_word(located, before->second.state)) {
    block.report(Check::kBarrier, thread, at,
                 fmt::format("initialises a live mbarrier again ({}; {} threads wait); "
                             "mbarrier.inval must come first",
                             before->second.state.describe(), before->second.sleepers.size()));
  }
  Mbarrier& object = objects[located.shared_offset];
  object = Mbarrier{};
  object.state = MbarrierState(count);
  store_word(located, object.state);
  ++block.launch.progress;
}

void MbarrierOperation::invalidate() {
  if (!object_->sleepers.empty()) {
    fault(fmt::format("mbarrier.inval while {} threads wait", object_->sleepers.size()));
  }
  order_access(block_, block_.clocks.view(thread_), located_, kBytes, AccessKind::kWrite, false,
               at_);
  object_->live = false;
  ++block_.launch.progress;
}

void MbarrierOperation::arrive(std::uint32_t count, bool may_complete, bool drop,
                               const SnapshotRef& released) {
  const std::uint64_t phase = object_->state.phase();
  object_->gathered = join(object_->gathered, released);
  require(drop ? object_->state.arrive_drop(count, may_complete)
               : object_->state.arrive(count, may_complete));
  changed(phase);
}

void MbarrierOperation::add_pending() {
  require(object_->state.add_pending());
  changed(object_->state.phase());
}

void MbarrierOperation::expect_tx(std::uint32_t bytes) {
  const std::uint64_t phase = object_->state.phase();
  require(object_->state.expect_tx(bytes));
  changed(phase);
}

void MbarrierOperation::complete_tx(std::uint32_t bytes, const SnapshotRef& released) {
  const std::uint64_t phase = object_->state.phase();
  object_->gathered = join(object_->gathered, released);
  require(object_->state.complete_tx(bytes));
  changed(phase);
}

std::uint64_t MbarrierOperation::key() const {
  // Distinct from the keys of other families by its top byte.
  return std::uint64_t{'M'} << 56 | std::uint64_t{located_.owner->linear} << kSharedOffsetBits |
         located_.shared_offset;
}

void MbarrierOperation::fault(const std::string& what) const {
  block_.fault(Check::kBarrier, thread_, at_,
               fmt::format("mbarrier at offset {} of shared memory: {}",
                           located_.shared_offset - kSharedBase, what));
}

void MbarrierOperation::require(const Misuse& misuse) const {
  if (!misuse.empty()) fault(misuse);
}

void MbarrierOperation::changed(std::uint64_t phase_before) {
  store_word(located_, object_->state);
  ++block_.launch.progress;
  if (object_->state.phase() == phase_before) return;
  object_->completed = object_->gathered;
  block_.wake(key());
}

}  // namespace moe::simt
