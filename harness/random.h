#pragma once
#include <Random123/philox.h>

#include <array>
#include <cstdint>

namespace moe::harness {

// What a random number is for. Every purpose has numbers of its own, so that drawing more of one
// never shifts another. The values are part of every published hash: append, never renumber.
enum class Purpose : std::uint32_t {
  kGate = 1,
  kUp = 2,
  kDown = 3,
  kInput = 4,
  kSelection = 5,
  kLogits = 6,
  kPopularity = 7,
  kProportions = 8,
  kLayer = 9,
};

// Four random words that depend on (seed, purpose, index, part) and nothing else: no state, so the
// number of threads and the order of work cannot matter. Philox4x32-10 (Salmon et al., "Parallel
// random numbers: as easy as 1, 2, 3", SC 2011). Never std::*_distribution: libraries differ.
inline std::array<std::uint32_t, 4> random_block(std::uint64_t seed, Purpose purpose,
                                                 std::uint64_t index, std::uint32_t part = 0) {
  const auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
  const auto high = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
  const r123::Philox4x32::ctr_type counter = {
      {low(index), high(index), static_cast<std::uint32_t>(purpose), part}};
  const r123::Philox4x32::key_type key = {{low(seed), high(seed)}};
  const auto words = r123::Philox4x32()(counter, key);
  return {words[0], words[1], words[2], words[3]};
}

// The same numbers one after another, for work whose need is not known before: a token, a sequence.
class Draws {
 public:
  Draws(std::uint64_t seed, Purpose purpose, std::uint64_t index)
      : seed_(seed), purpose_(purpose), index_(index) {}

  std::uint32_t next32() {
    if (used_ == block_.size()) {
      block_ = random_block(seed_, purpose_, index_, part_++);
      used_ = 0;
    }
    return block_[used_++];
  }

  std::uint64_t next64() {
    const std::uint64_t high = next32();
    return high << 32 | next32();
  }

  // 0 ... n - 1. The modulo favours small values by less than n / 2^64: unobservable.
  std::uint64_t below(std::uint64_t n) { return next64() % n; }

  // Inside (0, 1), never an end: 52 bits and a half.
  double unit() { return (static_cast<double>(next64() >> 12) + 0.5) * 0x1p-52; }

 private:
  std::uint64_t seed_;
  Purpose purpose_;
  std::uint64_t index_;
  std::uint32_t part_ = 0;
  std::array<std::uint32_t, 4> block_{};
  std::size_t used_ = 4;
};

}  // namespace moe::harness
