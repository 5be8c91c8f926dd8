// Shadow memory: for each word of memory who wrote it last and who has read it since, so that an
// access not ordered with an earlier one is seen. A word is 4 bytes; a page turns to single bytes
// when something narrower than a word is accessed there.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "harness/simt/check/clock.h"

namespace moe::simt {

// How strong an access is: two strong ones whose scopes include each other never race.
enum class Strength : std::uint8_t { kWeak, kBlock, kDevice };

// One past access.
struct Mark {
  std::uint32_t block = 0;
  std::uint32_t tick = 0;
  std::uint32_t pc = 0;  // index into the kernel's code
  std::uint16_t slot = 0;
  Strength strength = Strength::kWeak;
  bool present = false;
};

struct Cell {
  std::uint32_t generation = 0;  // marks of another generation are all ordered before
  std::int32_t more_readers = -1;
  Mark write, read;
};

// What an access ran into.
struct Conflict {
  bool found = false;
  bool earlier_was_write = false;
  bool unfenced = false;  // ordered, but not behind a proxy fence
  Mark earlier;
};

// The cells of a contiguous range.
class ShadowPage {
 public:
  static constexpr std::uint32_t kBytes = 4096;

  // An access of bytes [offset, offset + bytes) of this page by `view`. Races are looked for, then
  // the access is recorded. `first_operation`: not 0 for a read by the async proxy, which must not
  // see writes of smaller slots (ordinary ones) without a proxy fence.
  Conflict read(const View& view, std::uint32_t offset, std::uint32_t bytes, Strength strength,
                std::uint32_t pc, std::uint32_t generation, std::uint32_t first_operation = 0);
  Conflict write(const View& view, std::uint32_t offset, std::uint32_t bytes, Strength strength,
                 std::uint32_t pc, std::uint32_t generation);

 private:
  void fit(std::uint32_t bits);
  void narrow(std::uint32_t shift);
  void add_reader(Cell& cell, const View& view, const Mark& mark);
  std::uint32_t shift_ = 4;  // a cell stands for 1 << shift_ bytes
  std::vector<Cell> cells_ = std::vector<Cell>(kBytes >> 4);
  std::vector<std::vector<Mark>> readers_;
  std::vector<std::int32_t> free_readers_;
};

// Pages on demand, by address; by several threads at once where `parallel` says so.
class GlobalShadow {
 public:
  explicit GlobalShadow(bool parallel) : parallel_(parallel) {}

  // Calls visit(page) while no other thread is in that page.
  template <class Visit>
  auto with_page(std::uint64_t address, Visit&& visit) {
    Shard& shard = shards_[address / ShadowPage::kBytes % kShards];
    std::unique_lock<std::mutex> lock(shard.mutex, std::defer_lock);
    if (parallel_) lock.lock();
    return visit(shard.page(address / ShadowPage::kBytes));
  }

 private:
  static constexpr std::uint64_t kShards = 64;
  struct Shard {
    ShadowPage& page(std::uint64_t number);
    std::mutex mutex;
    std::unordered_map<std::uint64_t, std::unique_ptr<ShadowPage>> pages;
    std::uint64_t last_number = ~0ull;
    ShadowPage* last = nullptr;
  };
  std::array<Shard, kShards> shards_;
  const bool parallel_;
};

}  // namespace moe::simt
