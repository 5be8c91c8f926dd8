// The micro-kernels of panels of whole numbers, on every instruction set of this machine.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/cpu/detail/isa/micro_kernels.h"

namespace moe::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

class IntegerKernels : public testing::TestWithParam<Isa> {
 protected:
  const MicroKernels& kernels() const { return micro_kernels(GetParam()); }
};

std::string isa_name(const testing::TestParamInfo<Isa>& info) {
  std::string name(to_string(info.param));
  std::ranges::replace(name, '-', '_');
  return name;
}

// Small whole numbers, which int4 has, too.
float value(std::int64_t i, std::int64_t k) { return static_cast<float>((i * 7 + k * 5) % 11 - 5); }
float weight(std::int64_t k, std::int64_t c) { return value(k, c + 3); }

// Rows of whole numbers in units of a power of two of their own.
struct SomeIntegers {
  std::vector<std::int16_t> values;
  std::vector<float> scale;
};
SomeIntegers some_integers(std::int64_t m, std::int64_t depth) {
  SomeIntegers rows{std::vector<std::int16_t>(m * depth), {}};
  for (std::int64_t r = 0; r < m; ++r) {
    rows.scale.push_back(std::ldexp(1.0F, static_cast<int>(r % 3) - 1));
    for (std::int64_t k = 0; k < depth; ++k) {
      rows.values[(k / kIntegerGroup * m + r) * kIntegerGroup + k % kIntegerGroup] =
          static_cast<std::int16_t>(value(r, k));
    }
  }
  return rows;
}

// Where value k of column c lies, in bits from the beginning of the panel (micro_kernels.h).
std::int64_t bit_of(std::int64_t k, std::int64_t c, int bits) {
  const std::int64_t in_word = 32 / bits;
  const std::int64_t i = k % in_word;
  return (k / in_word * kPanelColumns + c) * 32 + 16 * (i % 2) + bits * (i / 2);
}

std::vector<std::uint8_t> int8_panel(std::int64_t depth, float (*of)(std::int64_t, std::int64_t)) {
  std::vector<std::uint8_t> panel(depth * kPanelColumns);
  for (std::int64_t k = 0; k < depth; ++k) {
    for (std::int64_t c = 0; c < kPanelColumns; ++c) {
      panel[bit_of(k, c, 8) / 8] = static_cast<std::uint8_t>(static_cast<int>(of(k, c)));
    }
  }
  return panel;
}

// Exponents from 126 to 130: scales from a half to 8.
int scale_byte(std::int64_t group, std::int64_t c) {
  return 126 + static_cast<int>((group * 3 + c) % 5);
}

std::vector<std::uint8_t> int4_panel(std::int64_t depth, float (*of)(std::int64_t, std::int64_t)) {
  constexpr std::int64_t kStepBytes = kInt4ScaleBytes + 2 * kInt4GroupBytes;
  std::vector<std::uint8_t> panel(depth / kIntegerStep * kStepBytes);
  for (std::int64_t k = 0; k < depth; ++k) {
    std::uint8_t* const step = panel.data() + k / kIntegerStep * kStepBytes;
    for (std::int64_t c = 0; c < kPanelColumns; ++c) {
      const std::int64_t group = k % kIntegerStep / kIntegerGroup;
      step[group * kPanelColumns + c] = static_cast<std::uint8_t>(scale_byte(k / kIntegerGroup, c));
      const std::int64_t bit = bit_of(k % kIntegerStep, c, 4);
      const auto whole = static_cast<unsigned>(static_cast<int>(of(k, c))) & 15U;
      step[kInt4ScaleBytes + bit / 8] |= static_cast<std::uint8_t>(whole << (bit % 8));
    }
  }
  return panel;
}

float column_scale(std::int64_t c) { return std::ldexp(1.0F, static_cast<int>(c % 5) - 2); }

float product_of(std::int64_t r, std::int64_t c, std::int64_t depth) {
  float sum = 0;
  for (std::int64_t k = 0; k < depth; ++k) sum += value(r, k) * weight(k, c);
  return sum;
}

TEST_P(IntegerKernels, MultipliesEveryNumberOfRowsByInt8) {
  std::vector<float> scales;
  for (std::int64_t c = 0; c < kPanelColumns; ++c) scales.push_back(column_scale(c));
  for (const std::int64_t depth : {64, 128, 1088}) {
    const auto panel = int8_panel(depth, weight);
    for (std::int64_t m = 1; m <= kernels().rows; ++m) {
      const auto rows = some_integers(m, depth);
      std::vector<float> tile(m * kPanelColumns + 1, 1000);
      const auto multiply = [&](const float* column_scales, bool accumulate) {
        kernels().int8[m - 1]({rows.values.data(), rows.scale.data()}, panel.data(), column_scales,
                              depth, tile.data(), accumulate, {});
      };
      multiply(nullptr, false);
      multiply(scales.data(), true);
      for (std::int64_t i = 0; i < m * kPanelColumns; ++i) {
        const std::int64_t r = i / kPanelColumns;
        const std::int64_t c = i % kPanelColumns;
        ASSERT_EQ(tile[i], 2 * product_of(r, c, depth) * rows.scale[r] * column_scale(c))
            << "row " << r << " of " << m << ", column " << c;
      }
      EXPECT_EQ(tile.back(), 1000);
    }
  }
}

float int4_product_of(std::int64_t r, std::int64_t c, std::int64_t depth) {
  float sum = 0;
  for (std::int64_t k = 0; k < depth; ++k) {
    const float scale = std::ldexp(1.0F, scale_byte(k / kIntegerGroup, c) - 127);
    sum += value(r, k) * weight(k, c) * scale;
  }
  return sum;
}

TEST_P(IntegerKernels, MultipliesEveryNumberOfRowsByInt4) {
  for (const std::int64_t depth : {64, 128, 1088}) {
    const auto panel = int4_panel(depth, weight);
    for (std::int64_t m = 1; m <= kernels().rows; ++m) {
      const auto rows = some_integers(m, depth);
      std::vector<float> tile(m * kPanelColumns + 1, 1000);
      for (const bool accumulate : {false, true}) {
        kernels().int4[m - 1]({rows.values.data(), rows.scale.data()}, panel.data(), nullptr, depth,
                              tile.data(), accumulate, {});
      }
      for (std::int64_t i = 0; i < m * kPanelColumns; ++i) {
        const std::int64_t r = i / kPanelColumns;
        const std::int64_t c = i % kPanelColumns;
        ASSERT_EQ(tile[i], 2 * int4_product_of(r, c, depth) * rows.scale[r])
            << "row " << r << " of " << m << ", column " << c;
      }
      EXPECT_EQ(tile.back(), 1000);
    }
  }
}

TEST_P(IntegerKernels, TheLargestWholeNumbersDoNotOverflow) {
  const auto lowest = [](std::int64_t, std::int64_t) { return -128.0F; };
  const auto panel = int8_panel(kIntegerStep, lowest);
  for (const int sign : {-1, 1}) {
    const std::vector<std::int16_t> row(kIntegerStep, static_cast<std::int16_t>(sign * 32767));
    const float scale = 1;
    std::vector<float> tile(kPanelColumns);
    kernels().int8[0]({row.data(), &scale}, panel.data(), nullptr, kIntegerStep, tile.data(), false,
                      {});
    EXPECT_EQ(tile[7], static_cast<float>(-128.0 * sign * 32767 * kIntegerStep));
  }
}

// Rounds rows of kDepthStep values; returns what the whole numbers stand for.
std::vector<float> rounded(const MicroKernels& kernels, const std::vector<float>& rows) {
  const std::int64_t m = std::ssize(rows) / kDepthStep;
  std::vector<std::int16_t> whole(m * kIntegerStep, 99);
  std::vector<float> scale(m);
  kernels.to_integers(rows.data(), m, kDepthStep, whole.data(), scale.data());
  std::vector<float> back;
  for (std::int64_t r = 0; r < m; ++r) {
    for (std::int64_t k = 0; k < kIntegerStep; ++k) {
      const auto v = whole[(k / kIntegerGroup * m + r) * kIntegerGroup + k % kIntegerGroup];
      if (k < kDepthStep) {
        back.push_back(v * scale[r]);
      } else {
        EXPECT_EQ(v, 0) << "padding of row " << r;
      }
    }
  }
  return back;
}

TEST_P(IntegerKernels, RoundsARowToWithinA32767thOfItsLargestValue) {
  for (const float largest : {1.0F, 1.99F, 1.999999F, 3e-30F, 2e38F, 0x1p-110F}) {
    std::vector<float> rows;
    for (int i = 0; i < 3 * kDepthStep; ++i) {
      rows.push_back(largest * std::sin(static_cast<float>(i)));
    }
    rows[kDepthStep + 3] = -largest;
    const auto back = rounded(kernels(), rows);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_LE(std::abs(back[i] - rows[i]), largest / 32767) << largest << ", " << rows[i];
    }
  }
}

TEST_P(IntegerKernels, RoundsARowOfBf16OfLikeSizeToItself) {
  std::vector<float> row;
  for (int i = 0; i < kDepthStep; ++i) row.push_back(static_cast<float>(255 << i % 8) * 0x1p-20F);
  EXPECT_EQ(rounded(kernels(), row), row);
}

TEST_P(IntegerKernels, RoundsZerosToZerosAndDoesNotHideAFault) {
  EXPECT_EQ(rounded(kernels(), std::vector<float>(kDepthStep)), std::vector<float>(kDepthStep));
  for (const float fault : {kInfinity, -kInfinity, std::nanf("")}) {
    for (std::size_t place = 0; place < 2 * kDepthStep; ++place) {
      std::vector<float> rows(2 * kDepthStep, 1);
      rows[place] = fault;
      const auto back = rounded(kernels(), rows);
      const std::size_t row = place / kDepthStep;
      EXPECT_TRUE(std::isnan(back[row * kDepthStep])) << place;
      EXPECT_EQ(back[(1 - row) * kDepthStep], 1) << place;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, IntegerKernels,
                         testing::ValuesIn(available_isas().begin(), available_isas().end()),
                         isa_name);

}  // namespace
}  // namespace moe::cpu
