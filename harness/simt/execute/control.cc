#include "harness/simt/execute/control.h"

#include <fmt/format.h>

#include <cstring>

#include "harness/simt/execute/call.h"
#include "harness/simt/machine/block.h"
#include "harness/simt/machine/compile.h"
#include "harness/simt/machine/decoder.h"
#include "harness/simt/machine/launch.h"
#include "harness/simt/machine/warp.h"
#include "harness/simt/machine/warp_access.h"

namespace moe::simt {

// In barrier_opcodes.cc.
void add_barrier_opcodes(OpcodeTable& table);

namespace {

Outcome run_branch(Warp& warp, const Instruction& instruction, LaneMask) {
  warp.running->pc = instruction.target;
  return Outcome::kJumped;
}

// Lanes with other indices go their own ways, one fragment a target.
Outcome run_indexed_branch(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const auto& table = instruction.as<BranchTable>();
  const std::uint32_t* index = warp.value<std::uint32_t>(instruction.src[0]);
  if ((warp.poison(instruction.src[0]) & lanes) != 0) {
    report_poison(warp, instruction, warp.poison(instruction.src[0]) & lanes, "a branch");
  }
  bool first = true;
  Fragment other = *warp.running;
  for (LaneMask rest = lanes; rest != 0;) {
    const int lane = std::countr_zero(rest);
    const std::uint32_t wanted = index[lane];
    if (wanted >= table.targets.size()) {
      warp.block.fault(
          Check::kBadArgument, warp.first_thread() + lane, instruction,
          fmt::format("branch index {} of a list of {}", wanted, table.targets.size()));
    }
    LaneMask same = 0;
    for_each_lane(rest, [&](int l) { same |= index[l] == wanted ? 1u << l : 0u; });
    rest &= ~same;
    if (first) {
      warp.running->lanes = same;
      warp.running->pc = table.targets[wanted];
      first = false;
    } else {
      other.lanes = same;
      other.pc = table.targets[wanted];
      warp.fragments.push_back(other);
    }
  }
  return Outcome::kJumped;
}

Outcome run_exit(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  warp.exit(instruction, lanes);
  return Outcome::kJumped;
}

Outcome run_return(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  if (warp.running->returns.empty()) return run_exit(warp, instruction, lanes);
  return return_from_call(warp, lanes);
}

Outcome run_trap(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  warp.block.fault(Check::kTrap, warp.first_thread() + std::countr_zero(lanes), instruction,
                   "the kernel executed trap");
}

Outcome run_sleep(Warp&, const Instruction&, LaneMask) { return Outcome::kYield; }
Outcome run_nothing(Warp&, const Instruction&, LaneMask) { return Outcome::kNext; }

Outcome run_negate(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  LaneMask& to = warp.predicate(instruction.dst);
  to = (to & ~lanes) | (~warp.predicate(instruction.src[0]) & lanes);
  return Outcome::kNext;
}

Instruction control(Handler handler, bool splits) {
  Instruction instruction;
  instruction.handler = handler;
  instruction.splits = splits;
  instruction.own_poison = true;
  instruction.kind = InstructionClass::kControl;
  return instruction;
}

Instruction decode_branch(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  modifiers.take("uni");
  if (source.operands.size() != 1) decoder.fail("bra takes one label");
  Instruction instruction = control(run_branch, true);
  instruction.target = decoder.label(source.operands[0]);
  return instruction;
}

Instruction decode_indexed_branch(Decoder& decoder, const ptx::Instruction& source,
                                  Modifiers& modifiers) {
  modifiers.take("uni");
  if (!modifiers.take("idx") || source.operands.size() != 2) {
    decoder.fail("brx.idx takes an index and a list of labels");
  }
  Instruction instruction = control(run_indexed_branch, true);
  instruction.src[0] = decoder.source(source.operands[0], ptx::parse_type("u32"));
  auto table = std::make_shared<BranchTable>();
  auto& functions = dynamic_cast<FunctionDecoder&>(decoder);
  for (const std::string& name : functions.branch_targets(source.operands[1].name)) {
    ptx::Operand label;
    label.kind = ptx::Operand::Kind::kSymbol;
    label.name = name;
    table->targets.push_back(decoder.label(label));
  }
  instruction.extra = std::move(table);
  return instruction;
}

DecodeFunction simple(Handler handler, bool splits) {
  return [=](Decoder&, const ptx::Instruction&, Modifiers& modifiers) {
    modifiers.take("uni");
    return control(handler, splits);
  };
}

Instruction decode_sleep(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  if (type != ptx::Type{ptx::Type::Kind::kUnsigned, 32, 1} || source.operands.size() != 1) {
    decoder.fail("nanosleep.u32 and one operand were expected");
  }
  return control(run_sleep, false);
}

}  // namespace

Instruction return_instruction(bool of_entry) {
  return control(of_entry ? run_exit : run_return, true);
}

Instruction negate_predicate(Reg source, Reg dst) {
  Instruction instruction = control(run_negate, false);
  instruction.src[0] = source;
  instruction.dst = dst;
  instruction.own_poison = false;
  instruction.kind = InstructionClass::kPredicate;
  return instruction;
}

void add_control_opcodes(OpcodeTable& table) {
  table["bra"] = decode_branch;
  table["brx"] = decode_indexed_branch;
  table["call"] = decode_call;
  table["ret"] = simple(run_return, true);
  table["exit"] = simple(run_exit, true);
  table["trap"] = simple(run_trap, true);
  table["brkpt"] = simple(run_trap, true);
  table["pmevent"] = simple(run_nothing, false);
  table["nanosleep"] = decode_sleep;
  add_barrier_opcodes(table);
}

}  // namespace moe::simt
