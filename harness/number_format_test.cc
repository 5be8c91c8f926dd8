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

}  // namespace
}  // namespace moe::harness
