#include "harness/simt/execute/call.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "harness/simt/machine/compile.h"
#include "harness/simt/machine/launch.h"

namespace moe::simt {

// Registers and local memory of a function whose call of itself is under way, all lanes.
struct SavedWindow {
  std::vector<std::vector<std::byte>> registers;  // by CallFrame::registers: the whole rows
  std::vector<LaneMask> poison;
  std::vector<std::byte> local;  // [lane][bytes of the frame]
  std::vector<std::uint8_t> local_written;
};

namespace {

struct Callee {
  std::uint64_t address = 0;  // what a pointer to it holds
  std::shared_ptr<const CallFrame> frame;
};

struct Call : Extra {
  std::vector<Callee> callees;  // one; or all that a pointer may name
  bool indirect = false;
  std::vector<CallFrame::Slot> arguments, results;  // variables of the caller
};

// A value on its way between two frames: [lane][bytes], and which bytes have a value.
struct Parcel {
  int bytes_each = 0;
  std::vector<std::byte> bytes;
  std::vector<std::uint8_t> written;
};

Parcel pick_up(Warp& warp, LaneMask lanes, const CallFrame::Slot& from) {
  const std::size_t size = warp.block.launch.kernel.local_bytes;
  Parcel parcel{from.bytes, std::vector<std::byte>(kLanes * from.bytes),
                std::vector<std::uint8_t>(kLanes * from.bytes)};
  if (from.bytes == 0) return parcel;
  for_each_lane(lanes, [&](int lane) {
    const std::size_t at = lane * size + from.offset;
    std::memcpy(&parcel.bytes[lane * from.bytes], &warp.local[at], from.bytes);
    std::memcpy(&parcel.written[lane * from.bytes], &warp.local_written[at], from.bytes);
  });
  return parcel;
}

void put_down(Warp& warp, LaneMask lanes, const Parcel& parcel, const CallFrame::Slot& to) {
  const std::size_t size = warp.block.launch.kernel.local_bytes;
  const int bytes = std::min(parcel.bytes_each, to.bytes);
  if (bytes == 0) return;
  for_each_lane(lanes, [&](int lane) {
    const std::size_t at = lane * size + to.offset;
    std::memcpy(&warp.local[at], &parcel.bytes[lane * parcel.bytes_each], bytes);
    std::memcpy(&warp.local_written[at], &parcel.written[lane * parcel.bytes_each], bytes);
  });
}

// Bytes of a register's rows: predicates have one word for all lanes.
std::size_t row_bytes(int bits) {
  return bits == 0 ? sizeof(LaneMask) : std::max(bits, 32) / 8 * kLanes;
}

std::shared_ptr<const SavedWindow> save(Warp& warp, const CallFrame& frame) {
  auto window = std::make_shared<SavedWindow>();
  for (const CallFrame::Saved& saved : frame.registers) {
    const auto* first = reinterpret_cast<const std::byte*>(warp.value<std::uint32_t>(saved.reg));
    window->registers.emplace_back(first, first + row_bytes(saved.bits));
    window->poison.push_back(warp.poison(saved.reg));
  }
  Parcel local = pick_up(warp, kAllLanes, frame.local);
  window->local = std::move(local.bytes);
  window->local_written = std::move(local.written);
  return window;
}

template <class T>
void restore_lanes(T* to, const std::byte* from, LaneMask lanes) {
  for_each_lane(lanes,
                [&](int lane) { std::memcpy(&to[lane], from + lane * sizeof(T), sizeof(T)); });
}

// Only the columns of `lanes`: other lanes may be elsewhere in the same function.
void restore(Warp& warp, LaneMask lanes, const CallFrame& frame, const SavedWindow& window) {
  for (std::size_t i = 0; i < frame.registers.size(); ++i) {
    const auto [reg, bits] = frame.registers[i];
    const std::byte* from = window.registers[i].data();
    if (bits == 0) {
      LaneMask kept = 0;
      std::memcpy(&kept, from, sizeof kept);
      LaneMask& predicate = warp.predicate(reg);
      predicate = (predicate & ~lanes) | (kept & lanes);
    } else if (bits <= 32) {
      restore_lanes(warp.value<std::uint32_t>(reg), from, lanes);
    } else {
      for (int half = 0; half < bits / 64; ++half) {
        restore_lanes(warp.value<std::uint64_t>(reg + half * 2 * kRowBytes),
                      from + half * 2 * kRowBytes, lanes);
      }
    }
    warp.set_poison(reg, lanes, window.poison[i]);
  }
  put_down(warp, lanes, {frame.local.bytes, window.local, window.local_written}, frame.local);
}

void enter(Warp& warp, LaneMask lanes, const Call& call,
           const std::shared_ptr<const CallFrame>& callee) {
  Fragment& fragment = *warp.running;
  std::vector<Parcel> arguments;
  for (const CallFrame::Slot& slot : call.arguments)
    arguments.push_back(pick_up(warp, lanes, slot));
  ReturnTo back{fragment.pc, callee.get(), nullptr};
  const bool is_active = std::any_of(fragment.returns.begin(), fragment.returns.end(),
                                     [&](const ReturnTo& to) { return to.callee == callee.get(); });
  if (is_active) back.saved = save(warp, *callee);
  fragment.returns.push_back(std::move(back));
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    put_down(warp, lanes, arguments[i], callee->parameters[i]);
  }
  fragment.pc = callee->begin;
}

bool fits(const Call& call, const CallFrame& frame) {
  return call.arguments.size() == frame.parameters.size() &&
         call.results.size() == frame.results.size();
}

Outcome run_call(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const Call& call = instruction.as<Call>();
  if (!call.indirect) {
    enter(warp, lanes, call, call.callees.front().frame);
    return Outcome::kJumped;
  }
  // Lanes with one target go together; the others stay at the call as a fragment of their own.
  const std::uint64_t* pointer = warp.value<std::uint64_t>(instruction.src[0]);
  const int first = std::countr_zero(lanes);
  LaneMask same = 0;
  for_each_lane(lanes, [&](int l) { same |= pointer[l] == pointer[first] ? 1u << l : 0u; });
  if (same != lanes) {
    Fragment others = *warp.running;
    others.lanes = lanes & ~same;
    warp.running->lanes = same;
    warp.fragments.push_back(others);
  }
  for (const Callee& callee : call.callees) {
    if (callee.address != pointer[first]) continue;
    if (!fits(call, *callee.frame)) break;
    enter(warp, same, call, callee.frame);
    return Outcome::kJumped;
  }
  warp.block.fault(
      Check::kBadArgument, warp.first_thread() + first, instruction,
      fmt::format("calls {:#x}, which is no function with these parameters", pointer[first]));
}

}  // namespace

Outcome return_from_call(Warp& warp, LaneMask lanes) {
  Fragment& fragment = *warp.running;
  const ReturnTo back = fragment.returns.back();
  fragment.returns.pop_back();
  const Call& call = warp.block.launch.kernel.code[back.caller].as<Call>();
  std::vector<Parcel> results;
  for (const CallFrame::Slot& slot : back.callee->results)
    results.push_back(pick_up(warp, lanes, slot));
  if (back.saved) restore(warp, lanes, *back.callee, *back.saved);
  for (std::size_t i = 0; i < results.size(); ++i)
    put_down(warp, lanes, results[i], call.results[i]);
  fragment.pc = back.caller + 1;
  return Outcome::kJumped;
}

Instruction decode_call(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  modifiers.take("uni");
  auto& functions = dynamic_cast<FunctionDecoder&>(decoder);
  auto call = std::make_shared<Call>();
  Instruction instruction;
  std::string name;
  bool target_seen = false;
  for (const ptx::Operand& operand : source.operands) {
    if (operand.kind == ptx::Operand::Kind::kSymbol) {
      if (!target_seen)
        name = operand.name;  // after a pointer: the prototype, which the callee repeats
      target_seen = true;
    } else if (operand.kind == ptx::Operand::Kind::kRegister) {
      call->indirect = true;
      target_seen = true;
      instruction.src[0] = decoder.source(operand, ptx::parse_type("u64"));
    } else if (operand.kind == ptx::Operand::Kind::kGroup) {
      std::vector<CallFrame::Slot>& slots = target_seen ? call->arguments : call->results;
      for (const ptx::Operand& part : operand.parts) slots.push_back(functions.local_slot(part));
    } else {
      decoder.fail("a call takes results, a function and arguments");
    }
  }
  if (name == "vprintf" || name == "__assertfail") {
    decoder.fail(
        fmt::format("{} is not supported: a kernel of the interpreter cannot print", name));
  }
  if (call->indirect) {
    for (auto& [address, frame] : functions.callees()) call->callees.push_back({address, frame});
  } else {
    call->callees.push_back({0, functions.callee(name)});
    if (!fits(*call, *call->callees[0].frame)) {
      const CallFrame& frame = *call->callees[0].frame;
      decoder.fail(fmt::format("{} takes {} arguments and gives {} results", name,
                               frame.parameters.size(), frame.results.size()));
    }
  }
  instruction.handler = run_call;
  instruction.splits = true;
  instruction.own_poison = true;
  instruction.kind = InstructionClass::kControl;
  instruction.extra = std::move(call);
  return instruction;
}

}  // namespace moe::simt
