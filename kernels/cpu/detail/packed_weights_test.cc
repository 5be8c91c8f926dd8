// What is packed as whole numbers stands for the very weights, whatever the sizes.
#include "kernels/cpu/detail/packed_weights.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace moe::cpu {
namespace {

// Neither columns nor depths fill their panels.
constexpr MoeShape shape_of(DType dtype) {
  return {.tokens = 1, .hidden = 70, .ffn = 21, .experts = 2, .top_k = 1, .dtype = dtype};
}

// [experts * rows, columns]: small whole numbers in units that differ from row to row, and with
// int4 from group to group. One value of each has all bits, so that no smaller unit would do.
std::vector<float> some_weights(DType dtype, std::int64_t rows, std::int64_t columns) {
  std::vector<float> weights;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t k = 0; k < columns; ++k) {
      const std::int64_t group = dtype == DType::kInt4 ? k / kInt4Group : 0;
      const std::int64_t most = dtype == DType::kInt4 ? 7 : 127;
      const std::int64_t whole = k % kInt4Group == 0 ? -most : (r * 5 + k * 3) % (2 * most) - most;
      weights.push_back(std::ldexp(static_cast<float>(whole), static_cast<int>(group + r % 4) - 9));
    }
  }
  return weights;
}

ExpertWeights weights_of(const MoeShape& s) {
  return {some_weights(s.dtype, s.experts * s.ffn, s.hidden),
          some_weights(s.dtype, s.experts * s.ffn, s.hidden),
          some_weights(s.dtype, s.experts * s.hidden, s.ffn)};
}

// Value k of column c of a panel, read by the description of the layout in micro_kernels.h.
float unpacked(DType dtype, const PanelMatrix& matrix, const char* panel, std::int64_t k,
               std::int64_t c) {
  const auto word_at = [](const char* at) {
    std::uint32_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
  };
  if (dtype == DType::kInt8) {
    const std::uint32_t word = word_at(panel + (k / 4 * kPanelColumns + c) * 4);
    const auto whole = static_cast<std::int8_t>(word >> (16 * (k % 2) + 8 * (k % 4 / 2)));
    const auto scale = std::bit_cast<float>(word_at(panel + matrix.depth * kPanelColumns + c * 4));
    return static_cast<float>(whole) * scale;
  }
  const std::int64_t group = k % 64 / 32;
  const char* const step = panel + k / 64 * (64 + 2 * 512);
  const auto exponent = static_cast<std::uint8_t>(step[group * kPanelColumns + c]);
  const std::int64_t in_group = k % 32;
  const std::uint32_t word =
      word_at(step + 64 + group * 512 + (in_group / 8 * kPanelColumns + c) * 4);
  const std::uint32_t bits = word >> (16 * (k % 2) + 4 * (k % 8 / 2)) & 15U;
  const int whole = bits < 8 ? static_cast<int>(bits) : static_cast<int>(bits) - 16;
  return std::ldexp(static_cast<float>(whole), exponent - 127);
}

class PackedIntegers : public testing::TestWithParam<DType> {};

TEST_P(PackedIntegers, GateAndUpAreTheWeightsAndZerosBeside) {
  const MoeShape s = shape_of(GetParam());
  const ExpertWeights weights = weights_of(s);
  const PackedWeights packed = pack_weights(s, weights);
  ASSERT_EQ(packed.gate_up.depth, 128);
  ASSERT_EQ(packed.gate_up.panels, 2);
  for (std::int64_t e = 0; e < s.experts; ++e) {
    for (std::int64_t f = 0; f < 32; ++f) {
      const char* const panel = packed.gate_up.panel(e, f / 16);
      for (std::int64_t k = 0; k < packed.gate_up.depth; ++k) {
        const bool is_there = f < s.ffn && k < s.hidden;
        const std::int64_t at = (e * s.ffn + f) * s.hidden + k;
        EXPECT_EQ(unpacked(s.dtype, packed.gate_up, panel, k, f % 16),
                  is_there ? weights.gate[at] : 0);
        EXPECT_EQ(unpacked(s.dtype, packed.gate_up, panel, k, 16 + f % 16),
                  is_there ? weights.up[at] : 0);
      }
    }
  }
}

TEST_P(PackedIntegers, DownIsTheWeightsAndZerosBeside) {
  const MoeShape s = shape_of(GetParam());
  const ExpertWeights weights = weights_of(s);
  const PackedWeights packed = pack_weights(s, weights);
  ASSERT_EQ(packed.down.depth, 64);
  ASSERT_EQ(packed.down.panels, 3);
  for (std::int64_t e = 0; e < s.experts; ++e) {
    for (std::int64_t h = 0; h < 96; ++h) {
      const char* const panel = packed.down.panel(e, h / 32);
      for (std::int64_t k = 0; k < packed.down.depth; ++k) {
        const bool is_there = h < s.hidden && k < s.ffn;
        EXPECT_EQ(unpacked(s.dtype, packed.down, panel, k, h % 32),
                  is_there ? weights.down[(e * s.hidden + h) * s.ffn + k] : 0);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, PackedIntegers, testing::Values(DType::kInt8, DType::kInt4),
                         [](const testing::TestParamInfo<DType>& info) {
                           return std::string(to_string(info.param));
                         });

}  // namespace
}  // namespace moe::cpu
