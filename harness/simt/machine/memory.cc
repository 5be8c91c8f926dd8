#include "harness/simt/machine/memory.h"

#include <fmt/format.h>

#include <cstring>
#include <new>

namespace moe::simt {
namespace {

constexpr std::uint64_t kAlignment = 256;  // of cudaMalloc

std::byte* align_up(std::byte* pointer) {
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  return pointer + (kAlignment - address % kAlignment) % kAlignment;
}

}  // namespace

void* Memory::allocate(std::uint64_t bytes, std::string label, bool host) {
  if (bytes == 0) return nullptr;
  auto allocation = std::make_unique<Allocation>();
  // Room around it, so that neighbours are never contiguous.
  allocation->storage = std::make_unique_for_overwrite<std::byte[]>(bytes + 3 * kAlignment);
  std::byte* begin = align_up(allocation->storage.get() + kAlignment);
  std::memset(begin, 0xff, bytes);
  allocation->begin = reinterpret_cast<std::uint64_t>(begin);
  allocation->bytes = bytes;
  allocation->host = host;
  allocation->label = std::move(label);
  allocation->written.assign(bytes, 0);
  const std::lock_guard lock(mutex_);
  allocation->id = next_id_++;
  allocations_[allocation->begin] = std::move(allocation);
  return begin;
}

Memory::FreeResult Memory::release(void* pointer) {
  Allocation* allocation = find(reinterpret_cast<std::uint64_t>(pointer));
  if (allocation == nullptr) return FreeResult::kUnknown;
  const std::lock_guard lock(mutex_);
  const std::uint64_t offset = reinterpret_cast<std::uint64_t>(pointer) - allocation->begin;
  if (offset >= allocation->bytes) return FreeResult::kUnknown;
  if (allocation->freed) return FreeResult::kAlreadyFreed;
  if (offset != 0) return FreeResult::kInsideAllocation;
  // The address stays taken for a while, so that a later use is known for what it is.
  allocation->freed = true;
  freed_.push_back(allocation->begin);
  freed_bytes_ += allocation->bytes;
  while (freed_bytes_ > kKeptFreedBytes && freed_.size() > 1) {
    const auto oldest = allocations_.find(freed_.front());
    freed_bytes_ -= oldest->second->bytes;
    allocations_.erase(oldest);
    freed_.pop_front();
  }
  return FreeResult::kFreed;
}

void Memory::adopt(void* pointer, std::uint64_t bytes, std::string label) {
  auto allocation = std::make_unique<Allocation>();
  allocation->begin = reinterpret_cast<std::uint64_t>(pointer);
  allocation->bytes = bytes;
  allocation->host = true;
  allocation->label = std::move(label);
  allocation->written.assign(bytes, 1);
  const std::lock_guard lock(mutex_);
  allocation->id = next_id_++;
  allocations_[allocation->begin] = std::move(allocation);
}

void Memory::disown(void* pointer) {
  const std::lock_guard lock(mutex_);
  allocations_.erase(reinterpret_cast<std::uint64_t>(pointer));
}

Allocation* Memory::find(std::uint64_t address) {
  const std::lock_guard lock(mutex_);
  auto after = allocations_.upper_bound(address);
  if (after == allocations_.begin()) return nullptr;
  return std::prev(after)->second.get();
}

void Memory::mark_written(const void* pointer, std::uint64_t bytes) {
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  Allocation* allocation = find(address);
  if (allocation == nullptr || address + bytes > allocation->begin + allocation->bytes) return;
  std::memset(allocation->written.data() + (address - allocation->begin), 1, bytes);
}

bool Memory::all_written(const void* pointer, std::uint64_t bytes) {
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  const Allocation* allocation = find(address);
  if (allocation == nullptr || address + bytes > allocation->begin + allocation->bytes)
    return false;
  return std::memchr(allocation->written.data() + (address - allocation->begin), 0, bytes) ==
         nullptr;
}

bool Memory::contains(const void* pointer, std::uint64_t bytes) {
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  const Allocation* allocation = find(address);
  return allocation != nullptr && !allocation->freed &&
         address + bytes <= allocation->begin + allocation->bytes;
}

std::string Memory::describe(std::uint64_t address) {
  const Allocation* allocation = find(address);
  if (allocation == nullptr) return fmt::format("{:#x}", address);
  return fmt::format("global memory at offset {} of an allocation of {} bytes ({})",
                     address - allocation->begin, allocation->bytes, allocation->label);
}

std::uint64_t Memory::live_bytes() const {
  std::uint64_t sum = 0;
  for (const Allocation* allocation : live()) sum += allocation->bytes;
  return sum;
}

std::vector<const Allocation*> Memory::live() const {
  const std::lock_guard lock(mutex_);
  std::vector<const Allocation*> found;
  for (const auto& [begin, allocation] : allocations_) {
    if (!allocation->freed) found.push_back(allocation.get());
  }
  return found;
}

}  // namespace moe::simt
