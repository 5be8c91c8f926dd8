#include "harness/simt/machine/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>

#include "harness/simt/machine/block.h"
#include "harness/simt/machine/function_decoder.h"

namespace moe::simt {
namespace {

bool starts_with_any(const std::string& word, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return word.starts_with(prefix); });
}

void names_in(const ptx::Operand& operand, std::vector<std::string>& names) {
  if (operand.kind == ptx::Operand::Kind::kSymbol) names.push_back(operand.name);
  for (const ptx::Operand& part : operand.parts) names_in(part, names);
}

// Every function the entry can reach: those it names, and through them; with a call through a
// pointer also those whose address a variable holds.
void reach(const Program& program, const ptx::Function& function,
           std::vector<const ptx::Function*>& reached) {
  if (std::find(reached.begin(), reached.end(), &function) != reached.end()) return;
  reached.push_back(&function);
  std::vector<std::string> names;
  for (const ptx::Instruction& instruction : function.body) {
    for (const ptx::Operand& operand : instruction.operands) names_in(operand, names);
    if (instruction.opcode != "call") continue;
    for (const ptx::Variable& variable : program.module().variables) {
      for (const ptx::Relocation& relocation : variable.relocations)
        names.push_back(relocation.symbol);
    }
  }
  for (const std::string& name : names) {
    const ptx::Function* callee = program.function(name);
    if (callee != nullptr && !callee->is_entry) reach(program, *callee, reached);
  }
}

void note_features(const ptx::Function& function, Kernel& kernel) {
  for (const ptx::Instruction& i : function.body) {
    if (i.opcode == "wgmma" || i.opcode == "mbarrier") kernel.uses_async_proxy = true;
    if (i.opcode == "cp" && !i.modifiers.empty() && starts_with_any(i.modifiers[0], {"async"})) {
      const bool bulk = i.modifiers.size() > 1 && i.modifiers[1] == "bulk";
      (bulk ? kernel.uses_async_proxy : kernel.uses_cp_async) = true;
    }
  }
}

}  // namespace

std::shared_ptr<Kernel> compile(std::shared_ptr<Program> program, const ptx::Function& entry) {
  auto kernel = std::make_shared<Kernel>();
  kernel->function = &entry;
  kernel->program = program;
  kernel->info.name = entry.name;
  kernel->info.parameters = entry.parameters;
  std::copy_n(entry.cluster, 3, kernel->info.cluster);
  const int* bound = entry.required_threads[0] > 0 ? entry.required_threads : entry.max_threads;
  if (bound[0] > 0) {
    kernel->info.max_threads = bound[0] * std::max(1, bound[1]) * std::max(1, bound[2]);
  }

  std::vector<const ptx::Function*> functions;
  reach(*program, entry, functions);
  KernelLayout layout(*kernel, *program);
  for (const ptx::Function* function : functions) {
    note_features(*function, *kernel);
    layout.place(*function);
  }
  layout.finish();
  for (const ptx::Function* function : functions) decode_function(layout, *function);
  for (std::size_t i = 0; i < kernel->code.size(); ++i)
    kernel->code[i].index = static_cast<std::uint32_t>(i);
  kernel->file_bytes = layout.file_bytes();
  return kernel;
}

}  // namespace moe::simt
