#include "reference/io/float16.h"

#include <gtest/gtest.h>

#include <limits>

namespace moe::reference {
namespace {

std::uint32_t bits(float v) { return std::bit_cast<std::uint32_t>(v); }

TEST(Bf16, EveryPatternComesBackFromFloat) {
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const auto pattern = static_cast<std::uint16_t>(i);
    ASSERT_EQ(to_bf16(from_bf16(pattern)), pattern) << i;
  }
}

TEST(F16, EveryPatternComesBackFromFloat) {
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const auto pattern = static_cast<std::uint16_t>(i);
    ASSERT_EQ(to_f16(from_f16(pattern)), pattern) << i;
  }
}

// IEEE 754's formula, written without bit tricks: the oracle of from_f16.
TEST(F16, EveryFinitePatternHasTheValueOfTheFormula) {
  for (int i = 0; i < 65536; ++i) {
    const int exponent = (i >> 10) & 31;
    const int mantissa = i & 1023;
    if (exponent == 31) continue;
    const double magnitude =
        exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 15 - 10);
    const double value = i >= 32768 ? -magnitude : magnitude;
    ASSERT_EQ(static_cast<double>(from_f16(static_cast<std::uint16_t>(i))), value) << i;
  }
}

// Between each two neighbours: the middle goes to the even pattern, anything off it to the nearer.
template <class Wide, class To, class From>
void expect_nearest_even(To to, From from, std::uint16_t infinity) {
  for (std::uint16_t low = 0; low + 1 < infinity; ++low) {
    const auto high = static_cast<std::uint16_t>(low + 1);
    const auto a = static_cast<Wide>(from(low));
    const auto b = static_cast<Wide>(from(high));
    const Wide middle = a + (b - a) / 2;
    ASSERT_EQ(to(middle), low % 2 == 0 ? low : high) << low;
    ASSERT_EQ(to(std::nextafter(middle, a)), low) << low;
    ASSERT_EQ(to(std::nextafter(middle, b)), high) << low;
    ASSERT_EQ(to(-middle), 0x8000 | (low % 2 == 0 ? low : high)) << low;
  }
}

TEST(Bf16, RoundsEveryFloatTieToEven) {
  expect_nearest_even<float>([](float v) { return to_bf16(v); }, from_bf16, 0x7F80);
}
TEST(F16, RoundsEveryFloatTieToEven) {
  expect_nearest_even<float>([](float v) { return to_f16(v); }, from_f16, 0x7C00);
}
// A double just off a tie would, by way of float, first round onto the tie.
TEST(Bf16, RoundsADoubleOnce) {
  expect_nearest_even<double>([](double v) { return to_bf16(v); }, from_bf16, 0x7F80);
}
TEST(F16, RoundsADoubleOnce) {
  expect_nearest_even<double>([](double v) { return to_f16(v); }, from_f16, 0x7C00);
}

TEST(F16, LargestIs65504AndTheTieAboveItIsInfinity) {
  EXPECT_EQ(to_f16(65504.0F), 0x7BFF);
  EXPECT_EQ(to_f16(65519.99F), 0x7BFF);
  EXPECT_EQ(to_f16(65520.0F), 0x7C00);
  EXPECT_EQ(to_f16(1e30F), 0x7C00);
}
TEST(Bf16, LargestFloatIsInfinity) {
  EXPECT_EQ(to_bf16(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(to_bf16(-1e300), 0xFF80);
}
TEST(F16, HalfOfTheSmallestIsZeroWithItsSign) {
  EXPECT_EQ(to_f16(0x1p-25F), 0x0000);
  EXPECT_EQ(to_f16(-0x1p-25F), 0x8000);
  EXPECT_EQ(to_f16(0x1.000002p-25F), 0x0001);
  EXPECT_EQ(to_f16(-1e-300), 0x8000);
}
TEST(Bf16, ANaNWhosePayloadIsBelowTheMantissaStaysNaN) {
  EXPECT_EQ(to_bf16(std::bit_cast<float>(0x7F800001U)), 0x7FC0);
  EXPECT_EQ(to_bf16(std::bit_cast<float>(0xFFC10001U)), 0xFFC1);
}
TEST(F16, ANaNKeepsTheTopOfItsPayload) {
  EXPECT_EQ(to_f16(std::bit_cast<float>(0x7FC02000U)), 0x7E01);
  EXPECT_EQ(bits(from_f16(0x7E01)), 0x7FC02000U);
}

}  // namespace
}  // namespace moe::reference
