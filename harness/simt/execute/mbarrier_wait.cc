// mbarrier.test_wait and mbarrier.try_wait.
//
// A try_wait sleeps while its phase is open, as hardware suspends it, and comes back false when the
// scheduler finds nothing else to run; a test_wait answers at once and lets others run when it
// fails. Source: PTX ISA 9.0, "mbarrier.test_wait / mbarrier.try_wait".
#include <fmt/format.h>

#include "harness/simt/execute/cp_async_address.h"
#include "harness/simt/execute/mbarrier.h"
#include "harness/simt/machine/launch.h"

namespace moe::simt {
namespace {

struct WaitForm : Extra {
  AddressOperand address;
  bool parity = false;
  bool sleeps = false;  // try_wait
  bool acquires = true;
};

// What one lane waits for.
struct Wait {
  MbarrierOperation barrier;
  std::uint64_t phase = 0;  // that it wants complete
  bool complete = false;
};

void fault_argument(Warp& warp, const Instruction& at, int lane, const std::string& what) {
  warp.block.fault(Check::kBadArgument, warp.first_thread() + lane, at, what);
}

Wait parity_wait(Warp& warp, const Instruction& at, int lane, MbarrierOperation barrier) {
  const std::uint32_t parity = warp.value<std::uint32_t>(at.src[1])[lane];
  if (parity > 1)
    fault_argument(warp, at, lane, fmt::format("a phase parity is 0 or 1, not {}", parity));
  const MbarrierState& state = barrier.object().state;
  const bool complete = state.parity_complete(parity);
  return {barrier, complete ? state.phase() - 1 : state.phase(), complete};
}

Wait state_wait(Warp& warp, const Instruction& at, int lane, MbarrierOperation barrier) {
  const MbarrierToken token = MbarrierToken::decode(warp.value<std::uint64_t>(at.src[1])[lane]);
  if (token.offset != barrier.offset()) {
    barrier.fault("the state waited with comes from no arrival at this mbarrier");
  }
  const std::uint64_t current = barrier.object().state.phase();
  const std::uint64_t phase = token.full_phase(current);
  if (phase + 1 < current) {
    barrier.fault(
        fmt::format("the state waited with is of phase {} and the current phase is {}: a "
                    "state serves for its own phase and the one after",
                    phase, current));
  }
  return {barrier, phase, phase < current};
}

Wait wait_of(Warp& warp, const Instruction& at, int lane) {
  const auto& form = at.as<WaitForm>();
  const std::uint32_t address = own_shared_address(warp, at, form.address, lane);
  MbarrierOperation barrier(warp.block, warp.first_thread() + lane, address, at);
  return form.parity ? parity_wait(warp, at, lane, barrier) : state_wait(warp, at, lane, barrier);
}

// A lane that slept for a phase and wakes two phases later: with a parity it cannot know that.
void check_sleep(Warp& warp, const Instruction& at, int lane, Wait& wait) {
  auto& sleepers = wait.barrier.object().sleepers;
  const auto slept = sleepers.find(warp.first_thread() + lane);
  if (slept == sleepers.end()) return;
  const std::uint64_t phase = slept->second;
  sleepers.erase(slept);
  const std::uint64_t current = wait.barrier.object().state.phase();
  if (current < phase + 2) return;
  warp.block.report(
      Check::kBarrier, warp.first_thread() + lane, at,
      fmt::format("waits for phase {} of the mbarrier at offset {} of shared memory, which "
                  "has gone on to phase {} before this thread could see it: later waits by "
                  "parity take one phase for another",
                  phase, wait.barrier.offset() - kSharedBase, current));
  wait.complete = true;
}

// A warp that polls with test_wait while nothing changes may as well sleep, or work that is done
// only when nothing else can run (late completions) would never be done.
bool polls_in_vain(Warp& warp) {
  constexpr int kPatience = 32;
  Mbarriers::Polls& polls = warp.block.part<Mbarriers>().polls[warp.index];
  if (polls.progress != warp.block.launch.progress) polls = {warp.block.launch.progress, 0};
  return ++polls.failed > kPatience;
}

bool all_at_one_mbarrier(const std::vector<Wait>& waits) {
  for (const Wait& wait : waits) {
    if (wait.barrier.key() != waits.front().barrier.key()) return false;
  }
  return true;
}

Outcome run_wait(Warp& warp, const Instruction& at, LaneMask lanes) {
  const auto& form = at.as<WaitForm>();
  need_defined(warp, at, lanes, form.address.base, "the address of an mbarrier");
  need_defined(warp, at, lanes, at.src[1], "what to wait for at an mbarrier");
  const bool gave_up = warp.running->polled;
  warp.running->polled = false;
  std::vector<Wait> waits;
  LaneMask complete = 0;
  for_each_lane(lanes, [&](int lane) {
    waits.push_back(wait_of(warp, at, lane));
    check_sleep(warp, at, lane, waits.back());
    if (waits.back().complete) complete |= 1u << lane;
  });
  if (complete == 0 && !gave_up && (form.sleeps || polls_in_vain(warp)) &&
      all_at_one_mbarrier(waits)) {
    std::size_t next = 0;
    for_each_lane(lanes, [&](int lane) {
      Wait& wait = waits[next++];
      wait.barrier.object().sleepers[warp.first_thread() + lane] = wait.phase;
    });
    warp.block.sleep_on(warp, waits.front().barrier.key(), true);
    return Outcome::kBlocked;
  }
  std::size_t next = 0;
  for_each_lane(lanes, [&](int lane) {
    Wait& wait = waits[next++];
    if (wait.complete && form.acquires) {
      warp.block.acquire(warp.first_thread() + lane, wait.barrier.object().completed);
    }
  });
  LaneMask& result = warp.predicate(at.dst);
  result = (result & ~lanes) | complete;
  return complete == lanes ? Outcome::kNext : Outcome::kYield;
}

void take_order(Decoder& decoder, Modifiers& modifiers, WaitForm& form) {
  const int order = modifiers.take_one_of({"acquire", "relaxed"});
  const int scope = modifiers.take_one_of({"cta", "cluster"});
  if ((order < 0) != (scope < 0)) decoder.fail(".acquire and .relaxed come with .cta or .cluster");
  form.acquires = order != 1;
}

}  // namespace

Instruction decode_mbarrier_wait(Decoder& decoder, const ptx::Instruction& source,
                                 Modifiers& modifiers) {
  auto form = std::make_shared<WaitForm>();
  form->sleeps = modifiers.take("try_wait");
  if (!form->sleeps && !modifiers.take("test_wait"))
    decoder.fail("test_wait or try_wait is missing");
  if (!modifiers.take("b64")) decoder.fail("an mbarrier is .b64");
  form->parity = modifiers.take("parity");
  take_order(decoder, modifiers, *form);
  if (modifiers.take("shared::cluster")) {
    decoder.fail("an mbarrier of another block cannot be waited at");
  }
  const ptx::Space space = Decoder::take_space(modifiers);
  const std::size_t most = form->sleeps ? 4 : 3;  // the last: a hint how long to suspend
  if (source.operands.size() < 3 || source.operands.size() > most) {
    decoder.fail("a wait takes a predicate, an address and a state or parity");
  }
  form->address = address_operand(decoder, source.operands[1], space);
  Instruction instruction;
  instruction.src[0] = form->address.base;
  instruction.src[1] =
      decoder.source(source.operands[2], ptx::parse_type(form->parity ? "u32" : "b64"));
  instruction.dst = decoder.destination(source.operands[0]);
  instruction.handler = run_wait;
  instruction.splits = true;  // lanes that do not wait must not sleep with those that do
  instruction.kind = InstructionClass::kBarrier;
  instruction.extra = std::move(form);
  return instruction;
}

void add_mbarrier_opcodes(OpcodeTable& table) {
  table["mbarrier"] = [](Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
    for (const std::string& word : modifiers.words()) {
      if (word == "test_wait" || word == "try_wait") {
        return decode_mbarrier_wait(decoder, source, modifiers);
      }
    }
    return decode_mbarrier_arrive(decoder, source, modifiers);
  };
}

}  // namespace moe::simt
