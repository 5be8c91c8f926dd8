// Issues wgmma.mma_async, and carries operations out.
#include "harness/simt/execute/wgmma.h"

#include <fmt/format.h>

#include "harness/simt/execute/fragments.h"
#include "harness/simt/execute/mma_collective.h"
#include "harness/simt/execute/mma_product.h"
#include "harness/simt/execute/mma_unpack.h"
#include "harness/simt/execute/wgmma_operands.h"
#include "harness/simt/execute/wgmma_state.h"

namespace moe::simt {
namespace {

constexpr int kMaxDepth = 32;

// The value all lanes must agree on.
std::uint64_t uniform_value(Warp& warp, const Instruction& instruction, Reg reg, const char* name) {
  const std::uint64_t* values = warp.value<std::uint64_t>(reg);
  for (int lane = 1; lane < kLanes; ++lane) {
    if (values[lane] == values[0]) continue;
    warp.block.fault(Check::kBadArgument, warp.first_thread() + lane, instruction,
                     fmt::format("matrix descriptor of {} is {:#x} in this lane, {:#x} in lane 0",
                                 name, values[lane], values[0]));
  }
  return values[0];
}

std::uint64_t take_descriptor(Warp& warp, const Instruction& instruction, Reg reg,
                              const char* name) {
  const std::uint64_t bits = uniform_value(warp, instruction, reg, name);
  if (warp.poison(reg) != 0) {
    warp.block.report(
        Check::kUninitialised, warp.first_thread(), instruction,
        fmt::format("matrix descriptor of {} depends on a value never written", name));
  }
  if (const auto problem = problem_of(bits)) {
    warp.block.report(Check::kBadArgument, warp.first_thread(), instruction,
                      fmt::format("{}: {}", name, *problem));
  }
  return bits;
}

bool take_scale_d(Warp& warp, const Instruction& instruction, const WgmmaForm& form) {
  if (form.scale_d == kNoReg) return form.adds;
  const LaneMask lanes = warp.predicate(form.scale_d);
  if (lanes != 0 && lanes != kAllLanes) {
    warp.block.report(Check::kBadArgument, warp.first_thread(), instruction,
                      fmt::format("scale-d differs between lanes ({:#010x})", lanes));
  }
  return (lanes & 1u) != 0;
}

// A warp's 16 rows of A as [16][depth], from its registers.
void read_a_registers(Warp& warp, const WgmmaForm& form, float* a, OperandPoison& poison) {
  const int packed = packed_elements(bits_of(form.a_type));
  float values[kLanes * 4];
  for (int reg = 0; reg < static_cast<int>(form.a.size()); ++reg) {
    decode_elements(form.a_type, warp.value<std::uint32_t>(form.a[reg]), kLanes * packed, values);
    unpack_a_register(values, packed, reg, kWarpRows, form.depth, a);
    for_each_lane(warp.poison(form.a[reg]), [&](int lane) {
      poison.rows |= 1u << position_in_a(lane, reg * packed, packed, kWarpRows).row;
    });
  }
}

void read_a(Block& block, const WgmmaOperation& op, int warp, float* a, OperandPoison& poison) {
  const WgmmaForm& form = op.form();
  if (!form.a.empty()) return read_a_registers(*op.warps[warp], form, a, poison);
  const SharedOperand operand{.matrix = decode_descriptor(op.a_descriptor),
                              .type = form.a_type,
                              .mn_major = form.a_mn_major,
                              .first = warp * kWarpRows,
                              .lines = kWarpRows,
                              .depth = form.depth};
  const PoisonedLines lines = read_operand(block, {&op.agents[warp], 1}, *op.at, operand, true, a);
  poison.rows |= static_cast<std::uint32_t>(lines.to_ulong());
}

void add_to_registers(Warp& warp, const WgmmaOperation& op, const float* sums,
                      const OperandPoison& poison) {
  const WgmmaForm& form = op.form();
  for (int i = 0; i < static_cast<int>(form.d.size()); ++i) {
    std::uint32_t* d = warp.value<std::uint32_t>(form.d[i]);
    accumulate(form.accumulation, sums, form.columns, i, op.adds ? d : nullptr, d);
    const LaneMask old = op.adds ? warp.poison(form.d[i]) : 0;
    warp.set_poison(form.d[i], kAllLanes, old | poisoned_lanes(form.accumulation.type, i, poison));
  }
}

}  // namespace

void WgmmaForm::registers(std::vector<Reg>& read, std::vector<Reg>& written) const {
  read.insert(read.end(), a.begin(), a.end());
  read.insert(read.end(), d.begin(), d.end());
  written.insert(written.end(), d.begin(), d.end());
}

void carry_out(Block& block, WgmmaOperation& op) {
  const WgmmaForm& form = op.form();
  float a[kWarpRows * kMaxDepth], b[kMaxDepth * kMaxColumns], sums[kWarpRows * kMaxColumns];
  const SharedOperand b_operand{.matrix = decode_descriptor(op.b_descriptor),
                                .type = form.b_type,
                                .mn_major = form.b_mn_major,
                                .first = 0,
                                .lines = form.columns,
                                .depth = form.depth};
  const PoisonedLines b_poison = read_operand(block, op.agents, *op.at, b_operand, false, b);
  for (int warp = 0; warp < kWarpsOfGroup; ++warp) {
    OperandPoison poison{.rows = 0, .columns = b_poison};
    read_a(block, op, warp, a, poison);
    multiply(a, b, sums, kWarpRows, form.columns, form.depth);
    add_to_registers(*op.warps[warp], op, sums, poison);
  }
  for (const AsyncAgent& agent : op.agents) op.end = join(op.end, block.finish_async(agent));
}

Outcome run_wgmma(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  if (!collect_warp(warp, instruction, lanes)) return Outcome::kBlocked;
  require_warpgroup(warp, instruction);
  const WgmmaForm& form = instruction.as<WgmmaForm>();
  WgmmaOperation wanted;
  wanted.at = &instruction;
  if (form.a.empty()) {
    wanted.a_descriptor = take_descriptor(warp, instruction, form.a_descriptor, "A");
  }
  wanted.b_descriptor = take_descriptor(warp, instruction, form.b_descriptor, "B");
  wanted.adds = take_scale_d(warp, instruction, form);
  wgmma_guard(warp).issue(warp, instruction, form);
  warp.block.part<WarpgroupStates>().of(warp).join(warp, instruction, wanted);
  return Outcome::kNext;
}

}  // namespace moe::simt
