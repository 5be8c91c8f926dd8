// Element codes worked out by hand, type by type.
#include "harness/simt/execute/mma_elements.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace moe::simt {
namespace {

std::vector<float> decoded(Element element, std::vector<std::uint32_t> words) {
  std::vector<float> values(words.size() * 32 / bits_of(element));
  decode_elements(element, words.data(), static_cast<int>(values.size()), values.data());
  return values;
}

using Values = std::vector<float>;

TEST(MmaElements, HalvesComeLowHalfFirst) {
  // 1.0 = 0x3c00, -2.0 = 0xc000, the smallest subnormal 0x0001 = 2^-24, 65504 = 0x7bff.
  EXPECT_EQ(decoded(Element::kF16, {0xc0003c00, 0x7bff0001}), (Values{1, -2, 0x1p-24f, 65504}));
}

TEST(MmaElements, BfloatsAreTheUpperHalfOfAFloat) {
  EXPECT_EQ(decoded(Element::kBf16, {0xc0403f80}), (Values{1, -3}));
}

TEST(MmaElements, Tf32DropsTheLow13Bits) {
  EXPECT_EQ(decoded(Element::kTf32, {0x3f800000, 0x3f801fff, 0x3f802000}),
            (Values{1, 1, 1 + 0x1p-10f}));
}

TEST(MmaElements, EightBitFloatsComeLowByteFirst) {
  // e4m3: 0x38 = 1, 0x7e = 448, 0x01 = 2^-9, 0xb0 = -0.5. e5m2: 0x3c = 1, 0x7b = 57344, 0x01 =
  // 2^-16.
  EXPECT_EQ(decoded(Element::kE4m3, {0xb0017e38}), (Values{1, 448, 0x1p-9f, -0.5f}));
  EXPECT_EQ(decoded(Element::kE5m2, {0xbc017b3c}), (Values{1, 57344, 0x1p-16f, -1}));
  EXPECT_TRUE(std::isnan(decoded(Element::kE4m3, {0x7f})[0]));
  EXPECT_TRUE(std::isinf(decoded(Element::kE5m2, {0x7c})[0]));
}

TEST(MmaElements, IntegersKeepTheirSign) {
  EXPECT_EQ(decoded(Element::kS8, {0x807fff01}), (Values{1, -1, 127, -128}));
  EXPECT_EQ(decoded(Element::kU8, {0x807fff01}), (Values{1, 255, 127, 128}));
  EXPECT_EQ(decoded(Element::kS4, {0x76543210}), (Values{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(decoded(Element::kS4, {0xfedcba98}), (Values{-8, -7, -6, -5, -4, -3, -2, -1}));
  EXPECT_EQ(decoded(Element::kU4, {0xfedcba98}), (Values{8, 9, 10, 11, 12, 13, 14, 15}));
}

TEST(MmaElements, AreFoundByTheirModifier) {
  EXPECT_EQ(element_of("bf16"), Element::kBf16);
  EXPECT_EQ(element_of("e5m2"), Element::kE5m2);
  EXPECT_EQ(element_of("u4"), Element::kU4);
  EXPECT_EQ(element_of("f32"), std::nullopt);
  EXPECT_EQ(accumulator_of("s32"), Accumulator::kS32);
  EXPECT_EQ(accumulator_of("bf16"), std::nullopt);
}

}  // namespace
}  // namespace moe::simt
