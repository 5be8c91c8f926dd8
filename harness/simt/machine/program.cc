#include "harness/simt/machine/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "harness/simt/machine/block.h"
#include "harness/simt/machine/compile.h"

namespace moe::simt {

Program::Program(Device& device, ptx::Module module) : device_(device), module_(std::move(module)) {
  for (const ptx::Function& function : module_.functions) {
    const ptx::Function*& known = functions_[function.name];
    if (known == nullptr || known->is_declaration) known = &function;
  }
  place_variables();
}

Program::~Program() {
  for (void* pointer : owned_) device_.memory.release(pointer);
}

void Program::place_variables() {
  for (const ptx::Variable& variable : module_.variables) {
    if (variable.space == ptx::Space::kShared) {
      if (variable.bytes == 0) {
        dynamic_align_ = std::max(dynamic_align_, variable.align);
        symbols_[variable.name] = {ptx::Space::kShared, kDynamicSharedSymbol, 0};
        continue;
      }
      shared_bytes_ = (shared_bytes_ + variable.align - 1) / variable.align * variable.align;
      symbols_[variable.name] = {ptx::Space::kShared,
                                 kSharedBase + static_cast<std::uint64_t>(shared_bytes_),
                                 static_cast<std::uint64_t>(variable.bytes)};
      shared_bytes_ += static_cast<int>(variable.bytes);
      continue;
    }
    if (variable.external && symbols_.contains(variable.name)) continue;
    const auto bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(variable.bytes, 1));
    void* memory = device_.memory.allocate(bytes, variable.name);
    std::memset(memory, 0, bytes);
    std::copy_n(variable.initial.begin(), std::min<std::size_t>(variable.initial.size(), bytes),
                static_cast<std::uint8_t*>(memory));
    device_.memory.mark_written(memory, bytes);
    owned_.push_back(memory);
    symbols_[variable.name] = {variable.space, reinterpret_cast<std::uint64_t>(memory),
                               static_cast<std::uint64_t>(variable.bytes)};
  }
  for (const ptx::Variable& variable : module_.variables) {
    for (const ptx::Relocation& relocation : variable.relocations) {
      const Symbol* target = symbol(relocation.symbol);
      const ptx::Function* code = function(relocation.symbol);
      if (target == nullptr && code == nullptr) {
        throw ptx::Error(
            fmt::format("{}:{}: the initial value of {} names {}, which is not defined",
                        module_.name, variable.place.line, variable.name, relocation.symbol));
      }
      const std::uint64_t value =
          (target != nullptr ? target->address : address_of(*code)) + relocation.addend;
      std::byte* memory = reinterpret_cast<std::byte*>(symbol(variable.name)->address);
      std::memcpy(memory + relocation.offset, &value, sizeof value);
    }
  }
}

const Program::Symbol* Program::symbol(std::string_view name) const {
  const auto found = symbols_.find(name);
  return found == symbols_.end() ? nullptr : &found->second;
}

const ptx::Function* Program::function(std::string_view name) const {
  const auto found = functions_.find(name);
  return found == functions_.end() || found->second->is_declaration ? nullptr : found->second;
}

std::uint64_t Program::address_of(const ptx::Function& function) const {
  return kCodeWindow + 16 * static_cast<std::uint64_t>(&function - module_.functions.data() + 1);
}

std::string Program::source_of(const ptx::Place& place) const {
  if (place.source_line == 0) return {};
  const auto file = module_.files.find(place.source_file);
  if (file == module_.files.end()) return fmt::format("line {}", place.source_line);
  const std::size_t slash = file->second.rfind('/');
  return fmt::format("{}:{}", file->second.substr(slash == std::string::npos ? 0 : slash + 1),
                     place.source_line);
}

std::shared_ptr<Kernel> Program::kernel(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto known = kernels_.find(name);
  if (known != kernels_.end()) {
    if (std::shared_ptr<Kernel> kernel = known->second.lock()) return kernel;
  }
  const ptx::Function* entry = function(name);
  if (entry == nullptr || !entry->is_entry) return nullptr;
  std::shared_ptr<Kernel> kernel = compile(shared_from_this(), *entry);
  kernels_[std::string(name)] = kernel;
  return kernel;
}

}  // namespace moe::simt
