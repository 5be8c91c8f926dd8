#include <algorithm>
#include <set>

#include "harness/simt/machine/block.h"
#include "harness/simt/machine/function_decoder.h"
#include "harness/simt/machine/register_allocation.h"

namespace moe::simt {

KernelLayout::KernelLayout(Kernel& kernel_in, const Program& program_in)
    : kernel(kernel_in), program(program_in) {
  kernel.static_shared = program.shared_bytes();
}

int KernelLayout::place_local(int bytes, int align) {
  kernel.local_bytes = (kernel.local_bytes + align - 1) / align * align;
  const int offset = kernel.local_bytes;
  kernel.local_bytes += bytes;
  return offset;
}

// Registers that share a row have one size, so that each row is saved once.
void KernelLayout::note_saved(const ptx::Function& function, Placed& placed) {
  std::set<Reg> known;
  for (std::size_t i = 0; i < placed.registers.size(); ++i) {
    const Reg reg = placed.registers[i];
    if (reg == kNoReg || !known.insert(reg).second) continue;
    const ptx::Type& type = function.registers[i].type;
    const bool predicate = type.kind == ptx::Type::Kind::kPredicate;
    placed.frame->registers.push_back({reg, predicate ? 0 : type.total_bits()});
  }
}

void KernelLayout::place(const ptx::Function& function) {
  Placed& placed = placed_[&function];
  const RowAssignment rows = assign_rows(function);
  const Reg first = file_bytes_;
  file_bytes_ += rows.rows * kRowBytes;
  placed.frame->local.offset = place_local(0, 16);
  for (const int row : rows.row)
    placed.registers.push_back(row < 0 ? kNoReg : first + row * kRowBytes);
  note_saved(function, placed);

  const auto add_parameters = [&](const std::vector<ptx::Parameter>& parameters,
                                  std::vector<CallFrame::Slot>& slots) {
    for (const ptx::Parameter& parameter : parameters) {
      const int offset = place_local(parameter.bytes, std::max(parameter.align, 8));
      placed.variables[parameter.name] = {ptx::Space::kLocal, static_cast<std::uint64_t>(offset),
                                          parameter.bytes};
      slots.push_back({offset, parameter.bytes});
    }
  };
  if (function.is_entry) {
    for (const ptx::Parameter& parameter : function.parameters) {
      placed.variables[parameter.name] = {
          ptx::Space::kParam, static_cast<std::uint64_t>(parameter.offset), parameter.bytes};
    }
  } else {
    add_parameters(function.parameters, placed.frame->parameters);
    add_parameters(function.results, placed.frame->results);
  }
  for (const ptx::Variable& variable : function.variables) {
    const int bytes = static_cast<int>(variable.bytes);
    if (variable.space == ptx::Space::kShared) {
      int& used = kernel.static_shared;
      used = (used + variable.align - 1) / variable.align * variable.align;
      placed.variables[variable.name] = {ptx::Space::kShared,
                                         kSharedBase + static_cast<std::uint64_t>(used), bytes};
      used += bytes;
    } else {
      const int offset = place_local(bytes, std::max(variable.align, 8));
      placed.variables[variable.name] = {ptx::Space::kLocal, static_cast<std::uint64_t>(offset),
                                         bytes};
    }
  }
  placed.frame->local.bytes = kernel.local_bytes - placed.frame->local.offset;
}

void KernelLayout::finish() {
  kernel.local_bytes = (kernel.local_bytes + 15) / 16 * 16;
  const int align = program.dynamic_align();
  const int end = static_cast<int>(kSharedBase) + kernel.static_shared;
  kernel.dynamic_shared_at = (end + align - 1) / align * align;
  kernel.parameters = AlignedBytes(std::max(kernel.function->parameter_bytes, 1), 128);
  kernel.info.static_shared = kernel.static_shared;
  kernel.info.local_bytes = kernel.local_bytes;
}

Reg KernelLayout::row(int rows) {
  const Reg reg = file_bytes_;
  file_bytes_ += rows * kRowBytes;
  return reg;
}

Reg KernelLayout::constant(std::uint64_t bits, int bytes) {
  const auto [known, added] = constants_.try_emplace({bits, bytes}, 0);
  if (added) {
    known->second = row(std::max(1, bytes / 4));
    kernel.constants.push_back({known->second, bytes, bits, 0});
  }
  return known->second;
}

}  // namespace moe::simt
