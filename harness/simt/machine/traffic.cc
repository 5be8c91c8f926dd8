// Counts sectors and bank cycles; the usual patterns first, for every access is counted.
#include "harness/simt/machine/traffic.h"

#include <algorithm>
#include <array>
#include <bit>

namespace moe::simt {
namespace {

// Whether each active lane's address is the one of the lane before it plus `step`, or would be if
// the lanes between were active.
bool is_strided(LaneAddresses addresses, LaneMask active, std::uint64_t step) {
  if (active == kAllLanes) {  // without a branch for each lane: compared several at a time
    std::uint64_t difference = 0;
    for (std::size_t lane = 1; lane < kLanes; ++lane) {
      difference |= (addresses[lane] - addresses[lane - 1]) ^ step;
    }
    return difference == 0;
  }
  const int first = std::countr_zero(active);
  const std::uint64_t base = addresses[first] - static_cast<unsigned>(first) * step;
  for (LaneMask rest = active; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    if (addresses[lane] != base + static_cast<unsigned>(lane) * step) return false;
  }
  return true;
}

// No inactive lane between active ones.
bool is_run(LaneMask active) {
  const LaneMask low = active >> std::countr_zero(active);
  return (low & (low + 1)) == 0;
}

std::uint32_t ceil_div(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint32_t>((a + b - 1) / b);
}

std::uint32_t sectors_between(std::uint64_t begin, std::uint64_t end) {
  return static_cast<std::uint32_t>((end - 1) / kSectorBytes - begin / kSectorBytes + 1);
}

// The active lanes' addresses in ascending order; mostly they are already.
struct Sorted {
  Sorted(LaneAddresses addresses, LaneMask active) {
    for_each_lane(active, [&](int lane) { values[count++] = addresses[lane]; });
    if (!std::is_sorted(values.begin(), values.begin() + count)) {
      std::sort(values.begin(), values.begin() + count);
    }
  }
  std::array<std::uint64_t, kLanes> values;
  int count = 0;
};

AccessCost scattered_cost(LaneAddresses addresses, LaneMask active, std::uint64_t bytes) {
  const Sorted sorted(addresses, active);
  std::uint64_t byte_end = 0, sector_end = 0;  // behind what has been counted
  std::uint64_t distinct = 0, sectors = 0;
  for (int i = 0; i < sorted.count; ++i) {
    const std::uint64_t begin = sorted.values[i], end = begin + bytes;
    distinct += end - std::clamp(byte_end, begin, end);
    byte_end = end;
    const std::uint64_t first = begin / kSectorBytes, behind = (end - 1) / kSectorBytes + 1;
    sectors += behind - std::clamp(sector_end, first, behind);
    sector_end = behind;
  }
  return {static_cast<std::uint32_t>(sectors), ceil_div(distinct, kSectorBytes)};
}

// The most distinct words that lanes of one phase want of one bank.
class Banks {
 public:
  void add(std::uint64_t word) {
    const auto bank = static_cast<std::size_t>(word % kBanks);
    std::uint8_t& count = counts_[bank];
    for (int i = 0; i < count; ++i) {
      if (words_[bank][static_cast<std::size_t>(i)] == word) return;
    }
    words_[bank][count++] = word;
    most_ = std::max<std::uint32_t>(most_, count);
  }
  std::uint32_t most() const { return most_; }

 private:
  std::array<std::uint8_t, kBanks> counts_{};
  // A lane brings at most two words to a bank in one phase (a narrow access that is misaligned).
  std::array<std::array<std::uint64_t, 2 * kLanes>, kBanks> words_;
  std::uint32_t most_ = 0;
};

// Whether every lane has banks of its own: the usual end of padding and swizzling.
bool is_conflict_free(LaneAddresses offsets, LaneMask active, std::uint64_t bytes) {
  const std::uint64_t words = (bytes + kBankBytes - 1) / kBankBytes;
  std::uint32_t taken = 0;
  for (LaneMask rest = active; rest != 0; rest &= rest - 1) {
    const std::uint64_t offset = offsets[std::countr_zero(rest)];
    if (offset % bytes != 0) return false;  // it may reach into one word more
    const std::uint32_t banks = ((1u << words) - 1) << offset / kBankBytes % kBanks;
    if ((taken & banks) != 0) return false;
    taken |= banks;
  }
  return true;
}

std::uint32_t phase_cycles(LaneAddresses offsets, LaneMask active, std::uint64_t bytes) {
  if (is_conflict_free(offsets, active, bytes)) return 1;
  Banks banks;
  for_each_lane(active, [&](int lane) {
    const std::uint64_t begin = offsets[lane];
    for (std::uint64_t word = begin / kBankBytes; word <= (begin + bytes - 1) / kBankBytes;
         ++word) {
      banks.add(word);
    }
  });
  return banks.most();
}

}  // namespace

AccessCost global_cost(LaneAddresses addresses, LaneMask active, int bytes) {
  if (active == 0) return {};
  const auto width = static_cast<std::uint64_t>(bytes);
  if (is_run(active) && is_strided(addresses, active, width)) {
    const std::uint64_t begin = addresses[std::countr_zero(active)];
    const std::uint64_t total = static_cast<unsigned>(std::popcount(active)) * width;
    return {sectors_between(begin, begin + total), ceil_div(total, kSectorBytes)};
  }
  return scattered_cost(addresses, active, width);
}

AccessCost local_cost(LaneAddresses offsets, LaneMask active, int bytes) {
  if (active == 0) return {};
  constexpr int kLanesOfSector = kSectorBytes / kBankBytes;
  const auto words = ceil_div(static_cast<std::uint64_t>(bytes), kBankBytes);
  const auto lanes = static_cast<unsigned>(std::popcount(active));
  const std::uint32_t ideal = ceil_div(std::uint64_t{lanes} * words, kLanesOfSector);
  std::uint32_t used = 0;
  // Eight lanes share a sector of each of their words when they are at the same offset.
  if (is_strided(offsets, active, 0)) {
    for (int group = 0; group < kLanes; group += kLanesOfSector) {
      used += (active >> group & 0xffu) != 0 ? words : 0;
    }
    return {used, ideal};
  }
  for (int group = 0; group < kLanes; group += kLanesOfSector) {
    const Sorted sorted(offsets, active & (0xffu << group));
    std::uint64_t word_end = 0;  // behind what has been counted
    for (int i = 0; i < sorted.count; ++i) {
      const std::uint64_t begin = sorted.values[i] / kBankBytes, end = begin + words;
      used += static_cast<std::uint32_t>(end - std::clamp(word_end, begin, end));
      word_end = end;
    }
  }
  return {used, ideal};
}

AccessCost shared_cost(LaneAddresses offsets, LaneMask active, int bytes) {
  if (active == 0) return {};
  const auto width = static_cast<std::uint64_t>(bytes);
  const int phase = bytes <= kBankBytes ? kLanes : kBanks * kBankBytes / bytes;  // lanes
  const LaneMask in_phase = phase == kLanes ? kAllLanes : (1u << phase) - 1;
  AccessCost cost;
  for (int lane = 0; lane < kLanes; lane += phase) {
    cost.ideal += (active >> lane & in_phase) != 0;
  }
  // Side by side, a phase's lanes have a bank each; all at one word, they share it.
  const bool aligned = offsets[std::countr_zero(active)] % width == 0;
  if (aligned && (is_strided(offsets, active, width) || is_strided(offsets, active, 0))) {
    cost.used = cost.ideal;
    return cost;
  }
  for (int lane = 0; lane < kLanes; lane += phase) {
    const LaneMask lanes = active & in_phase << lane;
    if (lanes != 0) cost.used += phase_cycles(offsets, lanes, width);
  }
  return cost;
}

}  // namespace moe::simt
