// Rounding checked against its definition: every number half way between two neighbours, and those
// next to it, for every code of the small formats. Single values from the formats' published
// tables.
#include "harness/simt/execute/formats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace moe::simt {
namespace {

// Codes 0 .. largest: consecutive magnitudes of a format.
template <FloatFormat const& F>
void expect_rounds_by_definition() {
  for (std::uint32_t code = 0; code < F.largest; ++code) {
    const float lower = decode<F>(code << F.low_zeros);
    const float upper = decode<F>((code + 1) << F.low_zeros);
    ASSERT_LT(lower, upper) << code;
    const float middle = lower + (upper - lower) / 2;  // exact: one bit more than the format has
    const auto encoded = [](std::uint32_t value) { return value << F.low_zeros; };
    const std::uint32_t low = encoded(code);
    const std::uint32_t high = encoded(code + 1);
    const std::uint32_t sign = encoded(1u << F.sign_bit());
    ASSERT_EQ((encode<F, Rounding::kZero>(lower)), low) << code;
    ASSERT_EQ((encode<F>(middle)), code % 2 == 0 ? low : high) << code;
    ASSERT_EQ((encode<F>(std::nextafter(middle, upper))), high) << code;
    ASSERT_EQ((encode<F>(std::nextafter(middle, lower))), low) << code;
    ASSERT_EQ((encode<F, Rounding::kAway>(middle)), high) << code;
    ASSERT_EQ((encode<F, Rounding::kZero>(std::nextafter(upper, lower))), low) << code;
    ASSERT_EQ((encode<F, Rounding::kUp>(std::nextafter(lower, upper))), high) << code;
    ASSERT_EQ((encode<F, Rounding::kDown>(std::nextafter(upper, lower))), low) << code;
    ASSERT_EQ((encode<F, Rounding::kUp>(-middle)), low | sign) << code;
    ASSERT_EQ((encode<F, Rounding::kDown>(-middle)), high | sign) << code;
  }
}

TEST(Formats, F16RoundsByDefinition) { expect_rounds_by_definition<kF16>(); }
TEST(Formats, E4m3RoundsByDefinition) { expect_rounds_by_definition<kE4m3>(); }
TEST(Formats, E5m2RoundsByDefinition) { expect_rounds_by_definition<kE5m2>(); }
TEST(Formats, Bf16RoundsByDefinition) { expect_rounds_by_definition<kBf16>(); }
TEST(Formats, Tf32RoundsByDefinition) { expect_rounds_by_definition<kTf32>(); }

TEST(Formats, KnownCodes) {
  EXPECT_EQ(from_f16(0x3c00), 1.0f);
  EXPECT_EQ(from_f16(0x7bff), 65504.0f);
  EXPECT_EQ(from_f16(0x0001), 0x1p-24f);
  EXPECT_EQ(from_f16(0xc000), -2.0f);
  EXPECT_EQ(from_bf16(0x4049), 3.140625f);
  EXPECT_EQ(from_e4m3(0x7e), 448.0f);
  EXPECT_EQ(from_e4m3(0x01), 0x1p-9f);
  EXPECT_EQ(from_e5m2(0x7b), 57344.0f);
  EXPECT_EQ(from_e5m2(0x01), 0x1p-16f);
  EXPECT_EQ(from_tf32(0x3f801fff), 1.0f);  // the low 13 bits do not count
  EXPECT_TRUE(std::isnan(from_e4m3(0xff)));
  EXPECT_TRUE(std::isinf(from_e5m2(0x7c)));
  EXPECT_TRUE(std::isnan(from_f16(0x7c01)));
}

// cvt: "overflow to infinity for .rn"; ".satfinite: to the largest finite value".
TEST(Formats, OverflowAsTheModeSays) {
  EXPECT_EQ(to_f16(65519.99f), 0x7bffu);
  EXPECT_EQ(to_f16(65520.0f), 0x7c00u);
  EXPECT_EQ((encode<kF16, Rounding::kZero>(1e9f)), 0x7bffu);
  EXPECT_EQ((encode<kF16, Rounding::kUp>(1e9f)), 0x7c00u);
  EXPECT_EQ((encode<kF16, Rounding::kUp>(-1e9f)), 0xfbffu);
  EXPECT_EQ((encode<kF16, Rounding::kDown>(-1e9f)), 0xfc00u);
  EXPECT_EQ(encode<kF16>(INFINITY, true), 0x7bffu);
  EXPECT_EQ((encode<kF16, Rounding::kZero>(INFINITY)), 0x7c00u);
  EXPECT_EQ(encode<kE4m3>(449.0f, true), 0x7eu);
  EXPECT_EQ(encode<kE4m3>(-1e9f, true), 0xfeu);
  EXPECT_EQ(encode<kE5m2>(-INFINITY, true), 0xfbu);
  EXPECT_EQ(encode<kE4m3>(NAN, true), 0x7fu);
  EXPECT_EQ(to_f16(NAN), 0x7fffu);
  EXPECT_EQ(to_bf16(-NAN), 0x7fffu);
  EXPECT_EQ((encode<kTf32, Rounding::kAway>(NAN)), 0x7fffe000u);
}

// 1 + 2^-24 is half way between 1 and its successor.
TEST(Formats, DoublesRoundToFloat) {
  const float next = std::nextafter(1.0f, 2.0f);
  EXPECT_EQ(to_float(1 + 0x1p-24), 1.0f);
  EXPECT_EQ(to_float<Rounding::kUp>(1 + 0x1p-50), next);
  EXPECT_EQ(to_float<Rounding::kDown>(1 + 0x1.fp-24), 1.0f);
  EXPECT_EQ(to_float<Rounding::kZero>(-1 - 0x1.fp-24), -1.0f);
  EXPECT_EQ(to_float<Rounding::kDown>(-1 - 0x1p-50), -next);
  EXPECT_EQ(to_float<Rounding::kOdd>(1 + 0x1p-50), next);
  EXPECT_EQ(to_float<Rounding::kOdd>(static_cast<double>(next) + 0x1p-50), next);
  EXPECT_EQ(to_float<Rounding::kUp>(1e-300), 0x1p-149f);
  EXPECT_EQ(to_float<Rounding::kZero>(1e300), 3.40282347e38f);
  EXPECT_EQ(to_float<Rounding::kUp>(-1e300), -3.40282347e38f);
  EXPECT_TRUE(std::isinf(to_float<Rounding::kDown>(-1e300)));
}

}  // namespace
}  // namespace moe::simt
