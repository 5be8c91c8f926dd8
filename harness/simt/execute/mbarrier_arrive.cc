// mbarrier.init, inval, arrive, arrive_drop, expect_tx, complete_tx, pending_count.
// Source: PTX ISA 9.0, "Parallel Synchronization and Communication Instructions: mbarrier".
#include <fmt/format.h>

#include "harness/simt/execute/cp_async_address.h"
#include "harness/simt/execute/mbarrier.h"

namespace moe::simt {
namespace {

struct MbarrierForm : Extra {
  AddressOperand address;
  bool own_only = true;    // .shared::cta: not of another block
  bool has_state = false;  // the destination is no `_`
  bool has_count = false;
  bool drops = false;
  bool no_complete = false;
  bool expects = false;  // .expect_tx: src[1] is bytes, and one arrival
  bool releases = true;
};

std::uint32_t address_of(Warp& warp, const Instruction& at, const MbarrierForm& form, int lane) {
  if (!form.own_only) return shared_address(warp, at, form.address, lane);
  return own_shared_address(warp, at, form.address, lane);
}

// Runs `each(thread, address, number)` for every lane; `number` is src[1].
template <class Each>
Outcome for_lanes(Warp& warp, const Instruction& at, LaneMask lanes, Each&& each) {
  const auto& form = at.as<MbarrierForm>();
  need_defined(warp, at, lanes, form.address.base, "the address of an mbarrier");
  need_defined(warp, at, lanes, at.src[1], "a count of an mbarrier");
  const std::uint32_t* numbers = warp.value<std::uint32_t>(at.src[1]);
  for_each_lane(lanes, [&](int lane) {
    each(lane, warp.first_thread() + lane, address_of(warp, at, form, lane), numbers[lane]);
  });
  return Outcome::kNext;
}

Outcome run_init(Warp& warp, const Instruction& at, LaneMask lanes) {
  return for_lanes(warp, at, lanes,
                   [&](int, int thread, std::uint32_t address, std::uint32_t count) {
                     MbarrierOperation::init(warp.block, thread, address, count, at);
                   });
}

Outcome run_invalidate(Warp& warp, const Instruction& at, LaneMask lanes) {
  return for_lanes(warp, at, lanes, [&](int, int thread, std::uint32_t address, std::uint32_t) {
    MbarrierOperation(warp.block, thread, address, at).invalidate();
  });
}

Outcome run_expect_tx(Warp& warp, const Instruction& at, LaneMask lanes) {
  return for_lanes(warp, at, lanes,
                   [&](int, int thread, std::uint32_t address, std::uint32_t bytes) {
                     MbarrierOperation(warp.block, thread, address, at).expect_tx(bytes);
                   });
}

Outcome run_complete_tx(Warp& warp, const Instruction& at, LaneMask lanes) {
  return for_lanes(warp, at, lanes,
                   [&](int, int thread, std::uint32_t address, std::uint32_t bytes) {
                     MbarrierOperation(warp.block, thread, address, at).complete_tx(bytes, nullptr);
                   });
}

Outcome run_arrive(Warp& warp, const Instruction& at, LaneMask lanes) {
  const auto& form = at.as<MbarrierForm>();
  const auto one = [&](int lane, int thread, std::uint32_t address, std::uint32_t number) {
    MbarrierOperation barrier(warp.block, thread, address, at);
    if (form.expects) barrier.expect_tx(number);
    const MbarrierState& state = barrier.object().state;
    const MbarrierToken token{state.phase(), barrier.offset(), state.pending()};
    const std::uint32_t count = form.has_count && !form.expects ? number : 1;
    barrier.arrive(count, !form.no_complete, form.drops,
                   form.releases ? warp.block.release(thread) : nullptr);
    if (form.has_state) warp.value<std::uint64_t>(at.dst)[lane] = token.encode();
  };
  return for_lanes(warp, at, lanes, one);
}

Outcome run_pending_count(Warp& warp, const Instruction& at, LaneMask lanes) {
  const std::uint64_t* states = warp.value<std::uint64_t>(at.src[0]);
  std::uint32_t* counts = warp.value<std::uint32_t>(at.dst);
  for_each_lane(lanes,
                [&](int lane) { counts[lane] = MbarrierToken::decode(states[lane]).pending; });
  return Outcome::kNext;
}

// .shared, .shared::cta, .shared::cluster or none (generic) into the form.
void take_space(Decoder& decoder, Modifiers& modifiers, const ptx::Operand& operand,
                MbarrierForm& form, bool remote_allowed) {
  const bool remote = modifiers.take("shared::cluster");
  if (remote && !remote_allowed)
    decoder.fail("this mbarrier operation has no .shared::cluster form");
  const ptx::Space space = remote ? ptx::Space::kShared : Decoder::take_space(modifiers);
  if (space != ptx::Space::kShared && space != ptx::Space::kGeneric) {
    decoder.fail("an mbarrier lies in shared memory");
  }
  form.own_only = !remote_allowed || (space == ptx::Space::kShared && !remote);
  form.address = address_operand(decoder, operand, space);
}

// .sem and .scope, both or none. False for .relaxed.
bool take_release(Decoder& decoder, Modifiers& modifiers, bool relaxed_only) {
  const int order = modifiers.take_one_of({"release", "relaxed"});
  const int scope = modifiers.take_one_of({"cta", "cluster"});
  if (relaxed_only && order == 0) decoder.fail("this mbarrier operation is .relaxed");
  // .release alone is found in older texts; its scope is then .cta.
  if (order == 1 && scope < 0) decoder.fail(".relaxed needs .cta or .cluster");
  if (order < 0 && scope >= 0) decoder.fail("a scope needs .release or .relaxed");
  return order != 1;
}

void need_operands(Decoder& decoder, const ptx::Instruction& source, std::size_t least,
                   std::size_t most) {
  if (source.operands.size() < least || source.operands.size() > most) {
    decoder.fail(fmt::format("{} operands where {} to {} were expected", source.operands.size(),
                             least, most));
  }
}

Instruction finish(Handler handler, std::shared_ptr<MbarrierForm> form) {
  Instruction instruction;
  instruction.handler = handler;
  instruction.kind = InstructionClass::kBarrier;
  instruction.src[0] = form->address.base;
  instruction.extra = std::move(form);
  return instruction;
}

// init, inval, expect_tx, complete_tx: [addr] and perhaps a number.
Instruction decode_management(Decoder& decoder, const ptx::Instruction& source,
                              Modifiers& modifiers, Handler handler, bool has_number,
                              bool transaction) {
  need_operands(decoder, source, has_number ? 2 : 1, has_number ? 2 : 1);
  auto form = std::make_shared<MbarrierForm>();
  if (transaction) take_release(decoder, modifiers, true);
  take_space(decoder, modifiers, source.operands[0], *form, transaction);
  Instruction instruction = finish(handler, std::move(form));
  if (has_number) {
    instruction.src[1] = decoder.source(source.operands[1], ptx::parse_type("u32"));
  } else {
    instruction.src[1] = decoder.zero();
  }
  return instruction;
}

Instruction decode_arrival(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                           bool drops) {
  need_operands(decoder, source, 2, 3);
  auto form = std::make_shared<MbarrierForm>();
  form->drops = drops;
  form->expects = modifiers.take("expect_tx");
  form->no_complete = modifiers.take("noComplete");
  form->releases = take_release(decoder, modifiers, false);
  form->has_count = source.operands.size() == 3;
  form->has_state = source.operands[0].kind != ptx::Operand::Kind::kSink;
  take_space(decoder, modifiers, source.operands[1], *form, !form->has_state && !form->no_complete);
  if ((form->expects || form->no_complete) && !form->has_count) {
    decoder.fail("a count is missing");
  }
  const Reg count =
      form->has_count ? decoder.source(source.operands[2], ptx::parse_type("u32")) : decoder.zero();
  const Reg state = form->has_state ? decoder.destination(source.operands[0]) : kNoReg;
  Instruction instruction = finish(run_arrive, std::move(form));
  instruction.src[1] = count;
  instruction.dst = state;
  return instruction;
}

}  // namespace

Instruction decode_mbarrier_arrive(Decoder& decoder, const ptx::Instruction& source,
                                   Modifiers& modifiers) {
  if (!modifiers.take("b64")) decoder.fail("an mbarrier is .b64");
  switch (modifiers.take_one_of({"init", "inval", "arrive", "arrive_drop", "pending_count"})) {
    case 0:
      return decode_management(decoder, source, modifiers, run_init, true, false);
    case 1:
      return decode_management(decoder, source, modifiers, run_invalidate, false, false);
    case 2:
      return decode_arrival(decoder, source, modifiers, false);
    case 3:
      return decode_arrival(decoder, source, modifiers, true);
    case 4: {
      need_operands(decoder, source, 2, 2);
      Instruction instruction;
      instruction.handler = run_pending_count;
      instruction.kind = InstructionClass::kBarrier;
      instruction.src[0] = decoder.source(source.operands[1], ptx::parse_type("b64"));
      instruction.dst = decoder.destination(source.operands[0]);
      return instruction;
    }
    default:
      break;
  }
  if (modifiers.take("expect_tx")) {
    return decode_management(decoder, source, modifiers, run_expect_tx, true, true);
  }
  if (!modifiers.take("complete_tx")) decoder.fail("an mbarrier operation that is not known");
  return decode_management(decoder, source, modifiers, run_complete_tx, true, true);
}

}  // namespace moe::simt
