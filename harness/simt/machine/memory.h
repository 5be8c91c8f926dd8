// Global memory: the allocation registry. Device pointers are host addresses, so that code which
// computes with them (CUB's host side, tensor maps) works unchanged; whether an address may be
// touched is decided here.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace moe::simt {

struct Allocation {
  std::uint64_t begin = 0;
  std::uint64_t bytes = 0;            // as asked for; one byte more is out of bounds
  std::uint64_t id = 0;               // counts up from 1
  bool freed = false;                 // kept for a while, so that a use after free is told apart
  bool host = false;                  // pinned or managed memory: the host may touch it at any time
  std::string label;                  // "cudaMalloc", the name of a variable
  std::vector<std::uint8_t> written;  // [bytes]: 1 once it has a value
  std::unique_ptr<std::byte[]> storage;
};

class Memory {
 public:
  // Aligned to 256 bytes, filled with 0xff bytes that count as never written. Zero bytes: null.
  void* allocate(std::uint64_t bytes, std::string label, bool host = false);

  enum class FreeResult : std::uint8_t { kFreed, kUnknown, kAlreadyFreed, kInsideAllocation };
  FreeResult release(void* pointer);

  // Makes memory of the host's own (cudaHostRegister) known as written pinned memory, and unknown
  // again.
  void adopt(void* pointer, std::uint64_t bytes, std::string label);
  void disown(void* pointer);

  // The allocation an address lies in, or the nearest below it, or null. Freed ones too.
  Allocation* find(std::uint64_t address);

  // The host (memcpy, memset) has written or reads [pointer, pointer + bytes).
  void mark_written(const void* pointer, std::uint64_t bytes);
  bool all_written(const void* pointer, std::uint64_t bytes);
  // True when the whole range lies in one live allocation.
  bool contains(const void* pointer, std::uint64_t bytes);

  // "offset 12 of an allocation of 64 bytes (cudaMalloc)"
  std::string describe(std::uint64_t address);

  std::uint64_t live_bytes() const;
  std::vector<const Allocation*> live() const;  // for leak reports

 private:
  std::map<std::uint64_t, std::unique_ptr<Allocation>> allocations_;  // by begin
  static constexpr std::uint64_t kKeptFreedBytes = 64 << 20;
  std::deque<std::uint64_t> freed_;  // begins, oldest first
  std::uint64_t freed_bytes_ = 0;
  std::uint64_t next_id_ = 1;
  mutable std::mutex mutex_;
};

}  // namespace moe::simt
