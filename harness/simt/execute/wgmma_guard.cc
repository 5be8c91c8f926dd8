// Keeps, for each register, who uses it in the background and when it was last touched.
#include "harness/simt/execute/wgmma_guard.h"

#include <fmt/format.h>

#include <bit>

#include "harness/simt/execute/wgmma.h"
#include "harness/simt/execute/wgmma_state.h"
#include "harness/simt/machine/block.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {
namespace {

int reporting_thread(const Warp& warp) {
  const LaneMask lanes = warp.running != nullptr ? warp.running->lanes : kAllLanes;
  return warp.first_thread() + (lanes != 0 ? std::countr_zero(lanes) : 0);
}

bool is_wgmma(const Instruction& instruction) { return instruction.handler == run_wgmma; }

bool same_shape(const WgmmaForm& a, const WgmmaForm& b) {
  return a.columns == b.columns && a.depth == b.depth && a.accumulation.type == b.accumulation.type;
}

}  // namespace

WgmmaGuard::State& WgmmaGuard::state(Reg reg) {
  const std::size_t row = reg / kRowBytes;
  if (row >= states_.size()) states_.resize(row + 1);
  return states_[row];
}

void WgmmaGuard::check(Warp& warp, const Instruction& instruction) {
  if (is_wgmma(instruction)) return;  // issue() looks at these
  read_.clear();
  written_.clear();
  if (instruction.dst != kNoReg) written_.push_back(instruction.dst);
  for (const Reg reg : instruction.src) {
    if (reg != kNoReg) read_.push_back(reg);
  }
  if (instruction.extra) instruction.extra->registers(read_, written_);
  for (const Reg reg : read_) touch(warp, instruction, reg, false);
  for (const Reg reg : written_) touch(warp, instruction, reg, true);
}

void WgmmaGuard::touch(Warp& warp, const Instruction& instruction, Reg reg, bool writes) {
  State& s = state(reg);
  s.touched = fences_;
  if (s.adding == 0 && (s.reading == 0 || !writes)) return;
  warp.block.report(
      Check::kAsyncWait, reporting_thread(warp), instruction,
      fmt::format("{} a register that the wgmma of PTX line {} {} before wgmma.commit_group and "
                  "wgmma.wait_group have waited for it",
                  writes ? "writes" : "reads", s.by->place.line,
                  s.adding != 0 ? "accumulates in" : "reads A from"));
}

void WgmmaGuard::use(Warp& warp, const Instruction& instruction, Reg reg, const WgmmaForm& form,
                     bool accumulates) {
  State& s = state(reg);
  if (s.touched == fences_ && fences_ != 0) {
    warp.block.report(Check::kWgmma, reporting_thread(warp), instruction,
                      fmt::format("a register of {} was accessed after the last wgmma.fence",
                                  accumulates ? "D" : "A"));
  }
  if (accumulates ? s.adding != 0 && !same_shape(*s.last, form) : s.adding != 0) {
    warp.block.report(
        Check::kWgmma, reporting_thread(warp), instruction,
        fmt::format("a register of {} is the accumulator of the wgmma of PTX line {}, "
                    "which is still under way",
                    accumulates ? "D (of another shape)" : "A", s.by->place.line));
  }
  if (accumulates && s.reading != 0) {
    warp.block.report(Check::kWgmma, reporting_thread(warp), instruction,
                      fmt::format("a register of D is read as A by the wgmma of PTX line {}, which "
                                  "is still under way",
                                  s.by->place.line));
  }
}

void WgmmaGuard::issue(Warp& warp, const Instruction& instruction, const WgmmaForm& form) {
  if (fences_ == 0) {
    warp.block.report(Check::kWgmma, reporting_thread(warp), instruction,
                      "no wgmma.fence stands before the first wgmma.mma_async");
  }
  for (const Reg reg : form.a) use(warp, instruction, reg, form, false);
  for (const Reg reg : form.d) use(warp, instruction, reg, form, true);
  for (const Reg reg : form.a) {
    state(reg).reading += 1;
    state(reg).by = instruction.source;
  }
  for (const Reg reg : form.d) {
    state(reg).adding += 1;
    state(reg).last = &form;
    state(reg).by = instruction.source;
  }
}

void WgmmaGuard::release(const WgmmaForm& form) {
  for (const Reg reg : form.a) state(reg).reading -= 1;
  for (const Reg reg : form.d) state(reg).adding -= 1;
}

WgmmaGuard& wgmma_guard(Warp& warp) {
  return warp.block.part<WarpgroupStates>().of(warp).guards[warp.index % kWarpsOfGroup];
}

}  // namespace moe::simt
