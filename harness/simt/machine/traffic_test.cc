// Tests of sectors and bank cycles, worked by hand, and against sets of what is touched.
#include "harness/simt/machine/traffic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ostream>
#include <random>
#include <set>
#include <vector>

namespace moe::simt {

void PrintTo(const AccessCost& cost, std::ostream* out) {
  *out << "used " << cost.used << ", ideal " << cost.ideal;
}

namespace {

using Addresses = std::array<std::uint64_t, kLanes>;

template <class Rule>
Addresses lanes(Rule&& rule) {
  Addresses addresses{};
  for (std::uint64_t lane = 0; lane < kLanes; ++lane) addresses[lane] = rule(lane);
  return addresses;
}
Addresses strided(std::uint64_t bytes, std::uint64_t base = 4096) {
  return lanes([&](std::uint64_t lane) { return base + lane * bytes; });
}
constexpr LaneMask kFirst8 = 0xff, kFirst16 = 0xffff, kLast16 = 0xffff0000, kOdd = 0xaaaaaaaa;

// ---- global memory: 32-byte sectors
// ----------------------------------------------------------------

TEST(GlobalSectors, UnitStrideFillsEachSector) {
  EXPECT_EQ(global_cost(strided(1), kAllLanes, 1), (AccessCost{1, 1}));
  EXPECT_EQ(global_cost(strided(2), kAllLanes, 2), (AccessCost{2, 2}));
  EXPECT_EQ(global_cost(strided(4), kAllLanes, 4), (AccessCost{4, 4}));
  EXPECT_EQ(global_cost(strided(8), kAllLanes, 8), (AccessCost{8, 8}));
  EXPECT_EQ(global_cost(strided(16), kAllLanes, 16), (AccessCost{16, 16}));
  EXPECT_EQ(global_cost(strided(32), kAllLanes, 32), (AccessCost{32, 32}));
}

TEST(GlobalSectors, ABaseOffASectorBorderTouchesOneMore) {
  EXPECT_EQ(global_cost(strided(4, 4096 + 4), kAllLanes, 4), (AccessCost{5, 4}));
  EXPECT_EQ(global_cost(strided(4, 4096 + 32), kAllLanes, 4), (AccessCost{4, 4}));
}

TEST(GlobalSectors, StrideTwoUsesHalfOfEach) {
  EXPECT_EQ(global_cost(strided(8), kAllLanes, 4), (AccessCost{8, 4}));
}

TEST(GlobalSectors, AColumnTakesOneForEachLane) {
  EXPECT_EQ(global_cost(strided(128), kAllLanes, 4), (AccessCost{32, 4}));
}

TEST(GlobalSectors, ABroadcastIsOne) {
  EXPECT_EQ(global_cost(strided(0), kAllLanes, 4), (AccessCost{1, 1}));
  EXPECT_EQ(global_cost(strided(0), kAllLanes, 16), (AccessCost{1, 1}));
}

TEST(GlobalSectors, TheOrderOfLanesDoesNotMatter) {
  const auto reversed = lanes([](std::uint64_t lane) { return 4096 + (31 - lane) * 4; });
  const auto permuted = lanes([](std::uint64_t lane) { return 4096 + (lane * 5 % 32) * 4; });
  EXPECT_EQ(global_cost(reversed, kAllLanes, 4), (AccessCost{4, 4}));
  EXPECT_EQ(global_cost(permuted, kAllLanes, 4), (AccessCost{4, 4}));
}

TEST(GlobalSectors, BytesThatLanesShareCountOnceInTheIdeal) {
  const auto twice = lanes([](std::uint64_t lane) { return 4096 + lane / 2 * 4; });
  EXPECT_EQ(global_cost(twice, kAllLanes, 4), (AccessCost{2, 2}));
}

TEST(GlobalSectors, OnlyActiveLanesCount) {
  EXPECT_EQ(global_cost(strided(4), 0, 4), (AccessCost{0, 0}));
  EXPECT_EQ(global_cost(strided(4), kFirst16, 4), (AccessCost{2, 2}));
  EXPECT_EQ(global_cost(strided(4), kLast16, 4), (AccessCost{2, 2}));
  EXPECT_EQ(global_cost(strided(4), kOdd, 4), (AccessCost{4, 2}));
  EXPECT_EQ(global_cost(strided(4), 1u << 31, 4), (AccessCost{1, 1}));
}

TEST(GlobalSectors, RowsOfSixteenByteVectorsAreWhole) {
  // Eight lanes to a row of 128 bytes, rows 4096 bytes apart: a tile load.
  const auto tile = lanes([](std::uint64_t lane) { return lane / 8 * 4096 + lane % 8 * 16; });
  EXPECT_EQ(global_cost(tile, kAllLanes, 16), (AccessCost{16, 16}));
  // Two lanes to a row of 32 bytes that starts 16 bytes off a border.
  const auto off = lanes([](std::uint64_t lane) { return lane / 2 * 64 + 16 + lane % 2 * 16; });
  EXPECT_EQ(global_cost(off, kAllLanes, 16), (AccessCost{32, 16}));
}

// ---- local memory: words of neighbouring lanes lie side by side
// ------------------------------------

TEST(LocalSectors, LanesAtTheSameOffsetShareThem) {
  EXPECT_EQ(local_cost(strided(0), kAllLanes, 4), (AccessCost{4, 4}));
  EXPECT_EQ(local_cost(strided(0), kAllLanes, 16), (AccessCost{16, 16}));
  EXPECT_EQ(local_cost(strided(0), kAllLanes, 1), (AccessCost{4, 4}));
  EXPECT_EQ(local_cost(strided(0), kFirst8, 8), (AccessCost{2, 2}));
  EXPECT_EQ(local_cost(strided(0), 0, 8), (AccessCost{0, 0}));
}

TEST(LocalSectors, LanesAtOffsetsOfTheirOwnTakeOneEach) {
  EXPECT_EQ(local_cost(strided(4), kAllLanes, 4), (AccessCost{32, 4}));
}

TEST(LocalSectors, WordsThatLanesHaveInCommonAreShared) {
  // Even lanes touch words 0 and 1, odd ones 1 and 2: three sectors for each eight lanes.
  const auto shifted = lanes([](std::uint64_t lane) { return lane % 2 * 4; });
  EXPECT_EQ(local_cost(shifted, kAllLanes, 8), (AccessCost{12, 8}));
}

// ---- shared memory: 32 banks of 4 bytes
// ------------------------------------------------------------

TEST(BankCycles, OfAStrideOfWordsAreItsPowerOfTwo) {
  EXPECT_EQ(shared_cost(strided(4), kAllLanes, 4), (AccessCost{1, 1}));
  EXPECT_EQ(shared_cost(strided(2 * 4), kAllLanes, 4), (AccessCost{2, 1}));
  EXPECT_EQ(shared_cost(strided(3 * 4), kAllLanes, 4), (AccessCost{1, 1}));
  EXPECT_EQ(shared_cost(strided(16 * 4), kAllLanes, 4), (AccessCost{16, 1}));
  EXPECT_EQ(shared_cost(strided(32 * 4), kAllLanes, 4), (AccessCost{32, 1}));
}

TEST(BankCycles, AColumnOfARowPaddedTo33WordsIsOne) {
  EXPECT_EQ(shared_cost(strided(33 * 4), kAllLanes, 4), (AccessCost{1, 1}));
}

TEST(BankCycles, ABroadcastIsFree) {
  EXPECT_EQ(shared_cost(strided(0), kAllLanes, 4), (AccessCost{1, 1}));
  // Each word of a row is read by two lanes.
  const auto twice = lanes([](std::uint64_t lane) { return lane / 2 * 4; });
  EXPECT_EQ(shared_cost(twice, kAllLanes, 4), (AccessCost{1, 1}));
  // Two words of one bank, each read by sixteen lanes.
  const auto halves = lanes([](std::uint64_t lane) { return lane / 16 * 128; });
  EXPECT_EQ(shared_cost(halves, kAllLanes, 4), (AccessCost{2, 1}));
}

TEST(BankCycles, NarrowValuesOfOneWordDoNotCollide) {
  EXPECT_EQ(shared_cost(strided(1), kAllLanes, 1), (AccessCost{1, 1}));
  EXPECT_EQ(shared_cost(strided(2), kAllLanes, 2), (AccessCost{1, 1}));
  // A column of a tile of 32 halves a row: 16 words a row.
  EXPECT_EQ(shared_cost(strided(64), kAllLanes, 2), (AccessCost{16, 1}));
}

TEST(BankCycles, EightBytesGoByHalfWarps) {
  EXPECT_EQ(shared_cost(strided(8), kAllLanes, 8), (AccessCost{2, 2}));
  EXPECT_EQ(shared_cost(strided(8), kLast16, 8), (AccessCost{1, 1}));
  // Every other one: of the 16 lanes of a half, lanes 8 apart want the same banks.
  EXPECT_EQ(shared_cost(strided(16), kAllLanes, 8), (AccessCost{4, 2}));
}

TEST(BankCycles, SixteenBytesGoByQuarterWarps) {
  EXPECT_EQ(shared_cost(strided(16), kAllLanes, 16), (AccessCost{4, 4}));
  EXPECT_EQ(shared_cost(strided(0), kAllLanes, 16), (AccessCost{4, 4}));
  EXPECT_EQ(shared_cost(strided(16), kFirst8, 16), (AccessCost{1, 1}));
  // Each lane a row of 128 bytes: all eight of a quarter want the same four banks.
  EXPECT_EQ(shared_cost(strided(128), kAllLanes, 16), (AccessCost{32, 4}));
  // Rows padded by 16 bytes: 36 words, eight times four banks.
  EXPECT_EQ(shared_cost(strided(144), kAllLanes, 16), (AccessCost{4, 4}));
}

TEST(BankCycles, OfMatrixRowsAreThoseOfEightRowsAPhase) {
  EXPECT_EQ(shared_cost(strided(128), kFirst8, 16), (AccessCost{8, 1}));    // ldmatrix.x1
  EXPECT_EQ(shared_cost(strided(128), kFirst16, 16), (AccessCost{16, 2}));  // .x2
  EXPECT_EQ(shared_cost(strided(32), kAllLanes, 16), (AccessCost{8, 4}));   // .x4, rows of 16 bf16
  EXPECT_EQ(shared_cost(strided(64), kAllLanes, 16), (AccessCost{16, 4}));  // of 32
  // The 128-byte swizzle: chunk c of row r lies at c ^ (r % 8).
  const auto swizzled =
      lanes([](std::uint64_t lane) { return lane % 16 * 128 + (((lane / 16) ^ (lane % 8)) * 16); });
  EXPECT_EQ(shared_cost(swizzled, kAllLanes, 16), (AccessCost{4, 4}));
}

TEST(BankCycles, OnlyActiveLanesCount) {
  EXPECT_EQ(shared_cost(strided(128), 0, 4), (AccessCost{0, 0}));
  EXPECT_EQ(shared_cost(strided(128), kOdd, 4), (AccessCost{16, 1}));
  EXPECT_EQ(shared_cost(strided(128), 1u << 31, 4), (AccessCost{1, 1}));
  EXPECT_EQ(shared_cost(strided(4), kOdd, 4), (AccessCost{1, 1}));
}

TEST(BankCycles, AMisalignedWordTakesTwoBanks) {
  EXPECT_EQ(shared_cost(strided(4, 2), kAllLanes, 4), (AccessCost{2, 1}));  // words 0 and 32 meet
  EXPECT_EQ(shared_cost(strided(0, 2), kAllLanes, 4), (AccessCost{1, 1}));
}

// ---- against sets of what is touched
// ---------------------------------------------------------------

AccessCost sectors_by_sets(const Addresses& addresses, LaneMask active, int bytes) {
  std::set<std::uint64_t> touched, sectors;
  for_each_lane(active, [&](int lane) {
    for (int i = 0; i < bytes; ++i) touched.insert(addresses[lane] + i);
  });
  for (const std::uint64_t byte : touched) sectors.insert(byte / 32);
  return {static_cast<std::uint32_t>(sectors.size()),
          static_cast<std::uint32_t>((touched.size() + 31) / 32)};
}

// Where the words of all lanes really lie: word w of a lane at 128 w + 4 lane.
std::uint32_t local_by_sets(const Addresses& offsets, LaneMask active, int bytes) {
  std::set<std::uint64_t> sectors;
  for_each_lane(active, [&](int lane) {
    for (int i = 0; i < bytes; ++i) sectors.insert(((offsets[lane] + i) / 4 * 128 + lane * 4) / 32);
  });
  return static_cast<std::uint32_t>(sectors.size());
}

std::uint32_t cycles_by_sets(const Addresses& offsets, LaneMask active, int bytes) {
  std::uint32_t cycles = 0;
  const int phase = std::min(kLanes, 128 / bytes);
  for (int first = 0; first < kLanes; first += phase) {
    std::array<std::set<std::uint64_t>, 32> banks;
    for (int lane = first; lane < first + phase; ++lane) {
      for (int i = 0; has_lane(active, lane) && i < bytes; ++i) {
        const std::uint64_t word = (offsets[lane] + i) / 4;
        banks[word % 32].insert(word);
      }
    }
    std::size_t most = 0;
    for (const auto& bank : banks) most = std::max(most, bank.size());
    cycles += static_cast<std::uint32_t>(most);
  }
  return cycles;
}

TEST(AccessCost, OfRandomAddressesIsThatOfTheSetsTheyTouch) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 5'000; ++round) {
    const int bytes = 1 << random() % 5;
    const std::uint64_t range = 1ull << random() % 12;
    const std::uint64_t align = random() % 4 == 0 ? 1 : bytes;  // some are misaligned
    const std::uint64_t step = random() % 3 == 0 ? random() % 40 : 0;
    const auto addresses = lanes(
        [&](std::uint64_t lane) { return (step * lane + random() % range) * align + 7 * bytes; });
    const auto active = static_cast<LaneMask>(random() % 3 == 0 ? random() : kAllLanes);
    ASSERT_EQ(global_cost(addresses, active, bytes), sectors_by_sets(addresses, active, bytes))
        << "round " << round;
    const AccessCost shared = shared_cost(addresses, active, bytes);
    ASSERT_EQ(shared.used, cycles_by_sets(addresses, active, bytes)) << "round " << round;
    ASSERT_LE(shared.ideal, shared.used);
    if (align == 1) continue;  // local accesses are aligned: a fault has been found before
    const AccessCost local = local_cost(addresses, active, bytes);
    ASSERT_EQ(local.used, local_by_sets(addresses, active, bytes)) << "round " << round;
    ASSERT_LE(local.ideal, local.used);
  }
}

}  // namespace
}  // namespace moe::simt
