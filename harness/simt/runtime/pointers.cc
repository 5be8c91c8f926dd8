// Looks addresses up in the allocation registry.
#include "harness/simt/runtime/pointers.h"

#include <fmt/format.h>

namespace moe::simt {
namespace {

// Room that Memory leaves behind each allocation: nothing of the host's is there.
constexpr std::uint64_t kNear = 256;

std::uint64_t address_of(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

}  // namespace

Allocation* live_allocation(Runtime& runtime, const void* pointer) {
  Allocation* allocation = runtime.device.memory.find(address_of(pointer));
  if (allocation == nullptr || allocation->freed) return nullptr;
  return address_of(pointer) - allocation->begin < allocation->bytes ? allocation : nullptr;
}

Allocation* allocation_meant(Runtime& runtime, const void* pointer) {
  Allocation* allocation = runtime.device.memory.find(address_of(pointer));
  if (allocation == nullptr || address_of(pointer) < allocation->begin) return nullptr;
  return address_of(pointer) - allocation->begin < allocation->bytes + kNear ? allocation : nullptr;
}

std::string place_of(Runtime& runtime, const void* pointer) {
  const Allocation* allocation = allocation_meant(runtime, pointer);
  if (allocation == nullptr) return fmt::format("{}, which is in no allocation", pointer);
  return fmt::format("{}, {} bytes from the start of {}allocation {} ({}, {} bytes)", pointer,
                     address_of(pointer) - allocation->begin, allocation->freed ? "the freed " : "",
                     allocation->id, allocation->label, allocation->bytes);
}

Allocation& need_device_range(Runtime& runtime, const void* pointer, std::size_t bytes,
                              const char* role) {
  Allocation* allocation = allocation_meant(runtime, pointer);
  if (allocation == nullptr) {
    throw mistake(
        Check::kBadArgument, cudaErrorInvalidValue,
        fmt::format("{} is {}: a host pointer where a device pointer is expected?", role, pointer));
  }
  if (allocation->freed) {
    throw mistake(Check::kUseAfterFree, cudaErrorInvalidValue,
                  fmt::format("{} is {}", role, place_of(runtime, pointer)));
  }
  if (!runtime.device.memory.contains(pointer, bytes)) {
    throw mistake(Check::kOutOfBounds, cudaErrorInvalidValue,
                  fmt::format("{} bytes at {} ({}) are not all inside it", bytes, role,
                              place_of(runtime, pointer)));
  }
  return *allocation;
}

}  // namespace moe::simt
