#include "harness/number_format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace moe::harness {
namespace {

TEST(RoundTo, Tf32KeepsElevenBitsAndBreaksTiesAwayFromZero) {
  EXPECT_EQ(round_to(DType::kTf32, 1 + 0x1p-11F), 1 + 0x1p-10F);
  EXPECT_EQ(round_to(DType::kTf32, -1 - 0x1p-11F), -1 - 0x1p-10F);
  EXPECT_EQ(round_to(DType::kTf32, 1 + 0x1p-12F), 1);
}
TEST(RoundTo, F16BreaksTiesToEven) {
  EXPECT_EQ(round_to(DType::kF16, 1 + 0x1p-11F), 1);
  EXPECT_EQ(round_to(DType::kF16, 1 + 0x3p-11F), 1 + 0x1p-9F);
}
// OCP 8-bit Floating Point Specification 1.0, table 1: S.1111.110 is 448, S.0000.001 is 2^-9.
TEST(RoundToE4m3, KnowsTheEndsOfTheFormat) {
  EXPECT_EQ(round_to_e4m3(448), 448);
  EXPECT_EQ(round_to_e4m3(0x1p-9F), 0x1p-9F);
  EXPECT_EQ(round_to_e4m3(0x1p-10F), 0);
  EXPECT_EQ(round_to_e4m3(0x1.8p-9F), 0x1p-8F);
}
TEST(RoundToE4m3, KeepsFourBitsAndBreaksTiesToEven) {
  EXPECT_EQ(round_to_e4m3(17), 16);
  EXPECT_EQ(round_to_e4m3(19), 20);
  EXPECT_EQ(round_to_e4m3(-22), -22);
  EXPECT_EQ(round_to_e4m3(-21), -20);
  EXPECT_EQ(round_to_e4m3(18), 18);
}
TEST(E4m3Scale, IsTheSmallestPowerOfTwoThatFits) {
  EXPECT_EQ(e4m3_scale(448), 1);
  EXPECT_EQ(e4m3_scale(449), 2);
  EXPECT_EQ(e4m3_scale(224), 0.5F);
  EXPECT_EQ(e4m3_scale(0), 1);
}
TEST(RoundRowsToE4m3, RoundsWhatIsRoundedToItself) {
  std::vector<float> values;
  for (int i = 0; i < 64; ++i) values.push_back(std::sin(static_cast<float>(i)) * 0.3F);
  round_rows_to_e4m3(values, 16);
  auto again = values;
  round_rows_to_e4m3(again, 16);
  EXPECT_EQ(again, values);
}

std::vector<float> waves() {
  std::vector<float> values;
  for (int i = 0; i < 96; ++i) values.push_back(std::sin(static_cast<float>(i)) * 0.3F);
  return values;
}

TEST(RoundWeights, Int8RowsAreWholeMultiplesOfAPowerOfTwoThatIsNoLargerThanNeeded) {
  auto values = waves();
  values[50] = 127 * 0x1p-8F;  // just fits 2^-8; the first row needs 2^-8 too, as 0.3 > 127 * 2^-9
  round_weights(DType::kInt8, values, 48);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(std::remainder(values[i], 0x1p-8F), 0);
    if (i == 50) continue;
    EXPECT_LE(std::abs(values[i] - waves()[i]), 0x1p-9F);
  }
  EXPECT_EQ(values[50], 127 * 0x1p-8F);
}

TEST(RoundWeights, Int4GroupsHaveAScaleEachAndTheLastOfARowIsShort) {
  std::vector<float> values(2 * 40, 1);  // two rows, each of groups of 32 and 8
  values[31] = 6.4F;
  values[32] = 0.3F;
  values[40] = -14;
  round_weights(DType::kInt4, values, 40);
  EXPECT_EQ(values[31], 6);      // scale 1, of its own group
  EXPECT_EQ(values[32], 0.25F);  // scale 1/4, as 1 > 7/8
  EXPECT_EQ(values[40], -14);    // scale 2
  EXPECT_EQ(values[41], 0);      // half a scale: to even
  EXPECT_EQ(values[72], 1);      // the last group is another
}

TEST(WeightBytes, CountTheScalesOfGroups) {
  EXPECT_EQ(32 * weight_bytes(DType::kInt4), 17);
  EXPECT_EQ(weight_bytes(DType::kInt8), 1);
  EXPECT_EQ(weight_bytes(DType::kBf16), 2);
}

TEST(RoundWeights, RoundsWhatIsRoundedToItself) {
  for (const DType dtype : {DType::kBf16, DType::kE4m3, DType::kInt8, DType::kInt4}) {
    auto values = waves();
    round_weights(dtype, values, 48);
    auto again = values;
    round_weights(dtype, again, 48);
    EXPECT_EQ(again, values) << to_string(dtype);
    EXPECT_NE(values, waves()) << to_string(dtype);
  }
}

}  // namespace
}  // namespace moe::harness
