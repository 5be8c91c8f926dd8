// Loads fatbins when something of them is used.
#include "harness/simt/runtime/modules.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/simt/runtime/api_error.h"
#include "harness/simt/runtime/cubin.h"

namespace moe::simt {
namespace {

std::string names_of(const std::vector<FatbinEntry>& entries) {
  std::string names;
  for (const FatbinEntry& entry : entries) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name_of(entry));
  }
  return names.empty() ? "nothing" : names;
}

}  // namespace

FatBinary* Modules::add_binary(const std::byte* data) {
  auto& binary = binaries_.emplace_back(std::make_unique<FatBinary>());
  binary->data = data;
  return binary.get();
}

void Modules::remove_binary(FatBinary* binary) {
  std::erase_if(handles_, [&](const auto& each) { return each.second->binary == binary; });
  std::erase_if(functions_, [&](const auto& each) { return each.second->binary == binary; });
  std::erase_if(variables_, [&](const auto& each) { return each.second.binary == binary; });
  std::erase_if(binaries_, [&](const auto& each) { return each.get() == binary; });
}

void Modules::add_function(FatBinary* binary, const void* host_function, std::string name) {
  auto handle = std::make_unique<KernelHandle>();
  handle->binary = binary;
  handle->name = std::move(name);
  handle->host_function = host_function;
  handles_[handle.get()] = handle.get();
  functions_[host_function] = std::move(handle);
}

void Modules::add_variable(const void* host_variable, VariableHandle variable) {
  variables_[host_variable] = std::move(variable);
}

KernelHandle* Modules::find_function(const void* function) {
  if (const auto found = functions_.find(function); found != functions_.end())
    return found->second.get();
  if (const auto found = handles_.find(function); found != handles_.end()) return found->second;
  return nullptr;
}

void Modules::load(FatBinary& binary) {
  if (binary.program) return;
  const std::string& architecture = device_.architecture.name;
  try {
    const std::vector<FatbinEntry> entries = parse_fatbin(binary.data);
    const FatbinEntry* ptx = choose_ptx(entries, architecture);
    if (ptx == nullptr) {
      throw refusal(fmt::format("no PTX that sm_{} can run: the object has {}; add -gencode "
                                "arch=compute_{},code=compute_{} to nvcc's options",
                                architecture, names_of(entries), architecture, architecture),
                    cudaErrorNoKernelImageForDevice);
    }
    if (const FatbinEntry* cubin = find_cubin(entries, architecture)) {
      binary.registers = registers_of(contents(*cubin));
    }
    binary.ptx_capability = ptx->capability;
    binary.program =
        device_.load(contents(*ptx), fmt::format("{}.{}.ptx", ptx->file, name_of(*ptx)));
  } catch (const FatbinError& error) {
    throw refusal(error.what(), cudaErrorInvalidKernelImage);
  } catch (const ptx::Error& error) {
    throw refusal(error.what(), cudaErrorInvalidPtx);
  }
}

KernelHandle& Modules::need_function(const void* function) {
  KernelHandle* handle = find_function(function);
  if (handle == nullptr) throw ApiError{cudaErrorInvalidDeviceFunction, "not a kernel", {}, false};
  if (handle->kernel) return *handle;
  load(*handle->binary);
  try {
    handle->kernel = device_.kernel(handle->binary->program, handle->name);
  } catch (const ptx::Error& error) {
    throw refusal(error.what(), cudaErrorInvalidPtx);
  }
  if (!handle->kernel) {
    throw refusal(fmt::format("the PTX has no entry {}", handle->name),
                  cudaErrorInvalidDeviceFunction);
  }
  return *handle;
}

Modules::Place Modules::need_variable(const void* host_variable) {
  const auto found = variables_.find(host_variable);
  if (found == variables_.end())
    throw ApiError{cudaErrorInvalidSymbol, "not a device variable", {}, false};
  const VariableHandle& variable = found->second;
  load(*variable.binary);
  Place place;
  place.address = device_.variable(*variable.binary->program, variable.name, &place.bytes);
  if (place.address == nullptr) {
    throw refusal(fmt::format("the PTX has no variable {}", variable.name), cudaErrorInvalidSymbol);
  }
  return place;
}

void Modules::place_managed(FatBinary& binary) {
  for (const auto& [host_variable, variable] : variables_) {
    if (variable.binary != &binary || variable.managed == nullptr) continue;
    const Place place = need_variable(host_variable);
    *variable.managed = place.address;
    if (Allocation* allocation =
            device_.memory.find(reinterpret_cast<std::uint64_t>(place.address))) {
      allocation->host = true;
    }
    device_.memory.mark_written(place.address, place.bytes);
  }
}

int Modules::registers(const KernelHandle& handle) const {
  const auto found = handle.binary->registers.find(handle.name);
  return found == handle.binary->registers.end() ? 0 : found->second;
}

void Modules::unload_all() {
  for (auto& [host_function, handle] : functions_) handle->kernel = nullptr;
  for (auto& binary : binaries_) binary->program = nullptr;
  for (auto& binary : binaries_) {
    const bool has_managed =
        std::any_of(variables_.begin(), variables_.end(), [&](const auto& each) {
          return each.second.binary == binary.get() && each.second.managed != nullptr;
        });
    if (has_managed) place_managed(*binary);  // the host holds their addresses
  }
}

}  // namespace moe::simt
