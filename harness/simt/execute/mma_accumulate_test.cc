// What is added to which lane, and how it is rounded, clamped and poisoned.
#include "harness/simt/execute/mma_accumulate.h"

#include <gtest/gtest.h>

#include <bit>
#include <vector>

namespace moe::simt {
namespace {

// Sums [16][columns] whose value tells where they stand.
std::vector<float> numbered(int columns) {
  std::vector<float> sums(16 * columns);
  for (int i = 0; i < 16 * columns; ++i) sums[i] = static_cast<float>(i);
  return sums;
}

TEST(MmaAccumulate, AddsEachSumToItsLane) {
  const std::vector<float> sums = numbered(8);
  std::uint32_t c[32], d[32];
  for (std::uint32_t& value : c) value = std::bit_cast<std::uint32_t>(1000.0f);
  accumulate({.type = Accumulator::kF32}, sums.data(), 8, 3, c, d);
  EXPECT_EQ(std::bit_cast<float>(d[0]), 1000.0f + 8 * 8 + 1);    // c3 of lane 0: row 8, column 1
  EXPECT_EQ(std::bit_cast<float>(d[31]), 1000.0f + 15 * 8 + 7);  // of lane 31: row 15, column 7
}

TEST(MmaAccumulate, WithoutCGivesTheProduct) {
  const std::vector<float> sums = numbered(16);
  std::uint32_t d[32];
  accumulate({.type = Accumulator::kF32, .negate = true}, sums.data(), 16, 4, nullptr, d);
  EXPECT_EQ(std::bit_cast<float>(d[6]),
            -(1.0f * 16 + 12));  // element 4 of lane 6: row 1, column 12
}

TEST(MmaAccumulate, PacksTwoHalvesAndRoundsOnce) {
  std::vector<float> sums(16 * 8, 0.0f);
  sums[0] = 1 + 0x1p-11f;  // a tie: to even, 1
  sums[1] = 70000.0f;      // beyond f16: infinity
  std::uint32_t c[32] = {}, d[32];
  accumulate({.type = Accumulator::kF16}, sums.data(), 8, 0, c, d);
  EXPECT_EQ(d[0], 0x7c003c00u);
  c[0] = 0x0000'1400;  // 2^-10, low half
  accumulate({.type = Accumulator::kF16}, sums.data(), 8, 0, c, d);
  EXPECT_EQ(d[0], 0x7c003c02u);  // 1 + 3 * 2^-11: a tie, to the even 1 + 2^-9
}

TEST(MmaAccumulate, IntegersWrapUnlessSaturated) {
  std::vector<float> sums(16 * 8, 0.0f);
  sums[0] = 5;
  sums[2] = -5;
  std::uint32_t c[32] = {0x7ffffffe, 0x80000001}, d[32];
  accumulate({.type = Accumulator::kS32}, sums.data(), 8, 0, c, d);
  EXPECT_EQ(d[0], 0x80000003u);
  EXPECT_EQ(d[1], 0x7ffffffcu);
  accumulate({.type = Accumulator::kS32, .saturate = true}, sums.data(), 8, 0, c, d);
  EXPECT_EQ(d[0], 0x7fffffffu);
  EXPECT_EQ(d[1], 0x80000000u);
}

TEST(MmaAccumulate, PoisonSpreadsAlongItsRowAndColumn) {
  OperandPoison poison;
  EXPECT_EQ(poisoned_lanes(Accumulator::kF32, 0, poison), 0u);
  poison.rows = 1u << 9;  // lanes 4 to 7, registers 2 and 3
  EXPECT_EQ(poisoned_lanes(Accumulator::kF32, 0, poison), 0u);
  EXPECT_EQ(poisoned_lanes(Accumulator::kF32, 2, poison), 0xf0u);
  EXPECT_EQ(poisoned_lanes(Accumulator::kF16, 1, poison), 0xf0u);
  poison = {};
  poison.columns.set(13);  // 8 + 2 * 2 + 1: lanes with t = 2, element 5
  EXPECT_EQ(poisoned_lanes(Accumulator::kF32, 5, poison), 0x44444444u);
  EXPECT_EQ(poisoned_lanes(Accumulator::kF32, 4, poison), 0u);
  EXPECT_EQ(poisoned_lanes(Accumulator::kF16, 2, poison), 0x44444444u);
}

TEST(MmaAccumulate, CountsTheRegistersOfAThread) {
  EXPECT_EQ(accumulator_registers(Accumulator::kF32, 16, 8), 4);
  EXPECT_EQ(accumulator_registers(Accumulator::kF16, 16, 8), 2);
  EXPECT_EQ(accumulator_registers(Accumulator::kS32, 8, 8), 2);
  EXPECT_EQ(accumulator_registers(Accumulator::kF32, 16, 256), 128);
}

}  // namespace
}  // namespace moe::simt
