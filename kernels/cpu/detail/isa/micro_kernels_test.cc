#include "kernels/cpu/detail/isa/micro_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "kernels/contract/error.h"

namespace moe::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

class EveryIsa : public testing::TestWithParam<Isa> {
 protected:
  const MicroKernels& kernels() const { return micro_kernels(GetParam()); }
};

std::string isa_name(const testing::TestParamInfo<Isa>& info) {
  std::string name(to_string(info.param));
  std::ranges::replace(name, '-', '_');
  return name;
}

// Small whole numbers: exact in bf16, and their sums in f32 whatever the order.
float value(std::int64_t i, std::int64_t k) { return static_cast<float>((i * 7 + k * 5) % 11 - 5); }

std::vector<float> some_rows(std::int64_t m, std::int64_t depth) {
  std::vector<float> rows(m * depth);
  for (std::int64_t r = 0; r < m; ++r) {
    for (std::int64_t k = 0; k < depth; ++k) {
      rows[(k / kDepthStep * m + r) * kDepthStep + k % kDepthStep] = value(r, k);
    }
  }
  return rows;
}

std::vector<float> f32_panel(std::int64_t depth) {
  std::vector<float> panel;
  for (std::int64_t k = 0; k < depth; ++k) {
    for (std::int64_t c = 0; c < kPanelColumns; ++c) panel.push_back(value(k, c + 3));
  }
  return panel;
}

std::vector<std::uint16_t> bf16_panel(std::int64_t depth) {
  std::vector<std::uint16_t> panel;
  for (std::int64_t k = 0; k < depth; k += 2) {
    for (std::int64_t c = 0; c < kPanelColumns; ++c) {
      for (std::int64_t i = k; i < k + 2; ++i) {
        panel.push_back(std::bit_cast<std::uint32_t>(value(i, c + 3)) >> 16);
      }
    }
  }
  return panel;
}

float expected(std::int64_t r, std::int64_t c, std::int64_t depth) {
  float sum = 0;
  for (std::int64_t k = 0; k < depth; ++k) sum += value(r, k) * value(k, c + 3);
  return sum;
}

TEST_P(EveryIsa, MultipliesEveryNumberOfRowsByBothKindsOfPanel) {
  for (const std::int64_t depth : {16, 48, 1040}) {
    const auto f32 = f32_panel(depth);
    const auto bf16 = bf16_panel(depth);
    for (std::int64_t m = 1; m <= kernels().tall_rows; ++m) {
      const auto rows = some_rows(m, depth);
      for (const bool narrow : {false, true}) {
        if (!narrow && m > kernels().rows) continue;
        // One value beside the tile tells whether the kernel stays inside.
        std::vector<float> tile(m * kPanelColumns + 1, 1000);
        const Product product = narrow ? kernels().bf16[m - 1] : kernels().f32[m - 1];
        const void* panel = narrow ? static_cast<const void*>(bf16.data()) : f32.data();
        product(rows.data(), panel, depth, tile.data(), false, {}, {});
        product(rows.data(), panel, depth, tile.data(), true, {}, {});
        for (std::int64_t i = 0; i < m * kPanelColumns; ++i) {
          ASSERT_EQ(tile[i], 2 * expected(i / kPanelColumns, i % kPanelColumns, depth))
              << "row " << i / kPanelColumns << " of " << m << ", column " << i % kPanelColumns;
        }
        EXPECT_EQ(tile.back(), 1000);
      }
    }
  }
}

TEST_P(EveryIsa, LeavesAPanelOfBf16AsF32ForOtherRows) {
  if (kernels().bf16_to_f32[0] == nullptr) {
    GTEST_SKIP() << "here every block of rows widens for itself";
  }
  for (const std::int64_t depth : {16, 1040}) {
    const auto bf16 = bf16_panel(depth);
    for (std::int64_t m = 1; m <= kernels().rows; ++m) {
      const auto rows = some_rows(m, depth);
      std::vector<float> tile(m * kPanelColumns);
      std::vector<float> same(m * kPanelColumns);
      std::vector<float> widened(depth * kPanelColumns + 1, 1000);
      kernels().bf16_to_f32[m - 1](rows.data(), bf16.data(), depth, tile.data(), false, {}, {},
                                   widened.data());
      kernels().bf16[m - 1](rows.data(), bf16.data(), depth, same.data(), false, {}, {});
      EXPECT_EQ(tile, same) << m;
      EXPECT_EQ(widened.back(), 1000);
      widened.pop_back();
      EXPECT_EQ(widened, f32_panel(depth)) << m;
    }
  }
}

TEST_P(EveryIsa, HasKernelsForAsManyRowsAsItSays) {
  ASSERT_LE(kernels().rows, kMostRows);
  ASSERT_LE(kernels().tall_rows, kMostTallRows);
  for (std::int64_t m = 1; m <= kMostTallRows; ++m) {
    EXPECT_EQ(kernels().bf16[m - 1] != nullptr, m <= kernels().tall_rows);
  }
  for (std::int64_t m = 1; m <= kMostRows; ++m) {
    EXPECT_EQ(kernels().f32[m - 1] != nullptr, m <= kernels().rows);
    if (kernels().bf16_to_f32[0] != nullptr) {
      EXPECT_EQ(kernels().bf16_to_f32[m - 1] != nullptr, m <= kernels().rows);
    }
    EXPECT_EQ(kernels().int8[m - 1] != nullptr, m <= kernels().rows);
    EXPECT_EQ(kernels().int4[m - 1] != nullptr, m <= kernels().rows);
  }
}

// silu(gate) * up, of one gate and up = 1.
float silu(const MicroKernels& kernels, float gate) {
  std::vector<float> tile(kPanelColumns, 1);
  std::vector<float> hidden(16);
  tile[5] = gate;
  kernels.swiglu(tile.data(), 1, hidden.data());
  return hidden[5];
}

TEST_P(EveryIsa, SiluIsWithinThreeUnitsInTheLastPlace) {
  for (float gate = -80; gate < 80; gate += 0.0137F) {
    const double right = gate / (1 + std::exp(-static_cast<double>(gate)));
    EXPECT_LE(std::abs(silu(kernels(), gate) - right), 3 * 0x1p-23 * std::abs(right)) << gate;
  }
}

TEST_P(EveryIsa, SiluAtItsEnds) {
  EXPECT_EQ(silu(kernels(), 0), 0);
  EXPECT_EQ(silu(kernels(), 64), 64);
  EXPECT_EQ(silu(kernels(), 1e30F), 1e30F);
  EXPECT_EQ(silu(kernels(), -1000), 0);
  EXPECT_EQ(silu(kernels(), -3e38F), 0);
  EXPECT_EQ(silu(kernels(), kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(silu(kernels(), std::nanf(""))));
}

TEST_P(EveryIsa, SwigluMultipliesGateAndUpOfTheSameColumn) {
  std::vector<float> tile;
  for (std::int64_t i = 0; i < 2 * kPanelColumns; ++i) tile.push_back(64 + static_cast<float>(i));
  std::vector<float> hidden(2 * 16);
  kernels().swiglu(tile.data(), 2, hidden.data());
  for (std::int64_t i = 0; i < 32; ++i) {
    const std::int64_t gate = i / 16 * 32 + i % 16;
    EXPECT_EQ(hidden[i], tile[gate] * tile[gate + 16]);
  }
}

TEST_P(EveryIsa, AddsWeightedRowsOfAnyLength) {
  const std::vector<std::int32_t> token = {2, -1, 0};
  const std::vector<float> weight = {0.5F, 8, 2};
  std::vector<float> tile;
  for (std::int64_t i = 0; i < 3 * kPanelColumns; ++i) tile.push_back(static_cast<float>(i));
  for (std::int64_t columns = 0; columns <= kPanelColumns; ++columns) {
    constexpr std::int64_t kStride = kPanelColumns + 3;
    std::vector<float> y(3 * kStride, 1);
    kernels().add_tile({y.data(), kStride, columns, token.data(), weight.data()}, tile.data(), 3);
    const auto added = [&](std::int64_t row, std::int64_t c) {
      if (c >= columns || row == 1) return 0.0F;
      return row == 2 ? 0.5F * tile[c] : 2 * tile[2 * kPanelColumns + c];
    };
    for (std::int64_t i = 0; i < std::ssize(y); ++i) {
      EXPECT_EQ(y[i], 1 + added(i / kStride, i % kStride)) << i << ", " << columns;
    }
  }
}

TEST_P(EveryIsa, ReadsEveryFloatOnce) {
  std::vector<float> values(4096);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 64);
  EXPECT_EQ(kernels().read(values.data(), 4096), 64 * (63 * 64 / 2));
}

TEST_P(EveryIsa, CountsTheWorkOfItsMultiplications) {
  float sink[16] = {1, 1};
  const double done = kernels().multiply_add(1000, sink);
  EXPECT_EQ(static_cast<std::int64_t>(done) % 2000, 0);
  // Ten chains that began with 0 .. 9 and added 1 a thousand times.
  EXPECT_EQ(sink[0], 45 + 10 * 1000);
}

INSTANTIATE_TEST_SUITE_P(All, EveryIsa,
                         testing::ValuesIn(available_isas().begin(), available_isas().end()),
                         isa_name);

// (1 + 2^-12)^2 - 1 needs more bits than f32 has: only a fused operation keeps them all.
TEST(MicroKernels, TheWiderSetsFuseAndTheScalarOneRounds) {
  for (const Isa isa : available_isas()) {
    const auto& kernels = micro_kernels(isa);
    std::vector<float> row(kDepthStep);
    std::vector<float> panel(kDepthStep * kPanelColumns);
    row[0] = row[1] = 1 + 0x1p-12F;
    panel[0] = -1;
    panel[kPanelColumns] = 1 + 0x1p-12F;
    std::vector<float> tile(kPanelColumns);
    kernels.f32[0](row.data(), panel.data(), kDepthStep, tile.data(), false, {}, {});
    const float fused = std::fma(row[1], row[1], -row[0]);
    const float rounded = row[1] * row[1] - row[0];
    ASSERT_NE(fused, rounded);
    EXPECT_EQ(tile[0], isa == Isa::kScalar ? rounded : fused) << to_string(isa);
  }
}

class Cap : public testing::Test {
 protected:
  void TearDown() override { unsetenv("MOEBENCH_ISA"); }
};

TEST_F(Cap, ChoosesAnyOfThisMachine) {
  unsetenv("MOEBENCH_ISA");
  EXPECT_EQ(chosen_isa(), best_isa());
  for (const Isa isa : available_isas()) {
    setenv("MOEBENCH_ISA", std::string(to_string(isa)).c_str(), 1);
    EXPECT_EQ(chosen_isa(), isa);
    EXPECT_EQ(micro_kernels(isa).isa, isa);
  }
}

TEST_F(Cap, RefusesAnUnknownName) {
  setenv("MOEBENCH_ISA", "avx3", 1);
  try {
    chosen_isa();
    FAIL();
  } catch (const UserError& e) {
    EXPECT_NE(std::string(e.what()).find("MOEBENCH_ISA: \"avx3\""), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("scalar"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace moe::cpu
