// The kernels of instructions that multiply bf16 by bf16: on emulated ones everywhere, and on the
// processor's own where it has them.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cpu/detail/isa/emulated_bf16.h"
#include "kernels/cpu/detail/isa/micro_kernels.h"

namespace moe::cpu {
namespace {

struct Candidate {
  const char* name;
  Bf16Product product;
  std::int64_t rows;
};

std::vector<Candidate> candidates() {
  std::vector<Candidate> all = {{"emulated tiles", tile_product<EmulatedTiles>, 2 * kTileRows},
                                {"emulated dots", dot_product<EmulatedDots>, 14}};
  for (const Isa isa : available_isas()) {
    const Bf16Kernels& kernels = micro_kernels(isa).native_bf16;
    if (kernels.product == nullptr) continue;
    all.push_back({to_string(isa).data(), kernels.product, kernels.rows});
  }
  return all;
}

// Small whole numbers: exact in bf16, and their sums in f32 whatever the order.
float value(std::int64_t i, std::int64_t k) { return static_cast<float>((i * 7 + k * 5) % 11 - 5); }

std::uint16_t bf16(float v) {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(v) >> 16);
}

// What lies beyond the depth is NaN: nobody may multiply with it.
std::vector<std::uint16_t> some_rows(std::int64_t m, std::int64_t depth) {
  const std::int64_t steps = (depth + kBf16Step - 1) / kBf16Step;
  std::vector<std::uint16_t> rows(steps * kBf16Step * m, 0x7FC0);
  for (std::int64_t r = 0; r < m; ++r) {
    for (std::int64_t k = 0; k < depth; ++k) {
      rows[(k / kBf16Step * m + r) * kBf16Step + k % kBf16Step] = bf16(value(r, k));
    }
  }
  return rows;
}

std::vector<std::uint16_t> some_panel(std::int64_t depth) {
  std::vector<std::uint16_t> panel(depth * kPanelColumns);
  for (std::int64_t k = 0; k < depth; ++k) {
    for (std::int64_t c = 0; c < kPanelColumns; ++c) {
      panel[(k / 2 * kPanelColumns + c) * 2 + k % 2] = bf16(value(k, c + 3));
    }
  }
  return panel;
}

float expected(std::int64_t r, std::int64_t c, std::int64_t depth) {
  float sum = 0;
  for (std::int64_t k = 0; k < depth; ++k) sum += value(r, k) * value(k, c + 3);
  return sum;
}

TEST(Bf16Kernels, MultiplyEveryNumberOfRows) {
  for (const Candidate& candidate : candidates()) {
    for (const std::int64_t depth : {16, 32, 48, 336}) {
      const auto panel = some_panel(depth);
      for (std::int64_t m = 1; m <= candidate.rows; ++m) {
        const auto rows = some_rows(m, depth);
        std::vector<float> tile(m * kPanelColumns + 1, 1000);
        const Ahead ahead{reinterpret_cast<const char*>(panel.data()), 1024};
        candidate.product(rows.data(), m, panel.data(), depth, tile.data(), false, ahead, ahead,
                          {});
        candidate.product(rows.data(), m, panel.data(), depth, tile.data(), true, {}, {}, {});
        for (std::int64_t i = 0; i < m * kPanelColumns; ++i) {
          ASSERT_EQ(tile[i], 2 * expected(i / kPanelColumns, i % kPanelColumns, depth))
              << candidate.name << ", depth " << depth << ", row " << i / kPanelColumns << " of "
              << m << ", column " << i % kPanelColumns;
        }
        EXPECT_EQ(tile.back(), 1000) << candidate.name;
      }
    }
  }
}

TEST(Bf16Kernels, DoTheRowsOfAnotherTileMeanwhile) {
  struct Done {
    std::int64_t rows = 0;
    std::int64_t calls = 0;
  };
  const auto some = [](const void* what, std::int64_t first, std::int64_t rows) {
    auto& done = **static_cast<Done* const*>(what);
    EXPECT_EQ(first, done.rows);
    EXPECT_GT(rows, 0);
    done.rows += rows;
    ++done.calls;
  };
  for (const Candidate& candidate : candidates()) {
    for (const std::int64_t depth : {16, 32, 48, 336}) {
      const auto panel = some_panel(depth);
      const auto rows = some_rows(candidate.rows, depth);
      std::vector<float> tile(candidate.rows * kPanelColumns);
      for (std::int64_t others = 0; others <= candidate.rows; ++others) {
        Done done;
        Done* const what = &done;
        candidate.product(rows.data(), candidate.rows, panel.data(), depth, tile.data(), false, {},
                          {}, {some, &what, others});
        EXPECT_EQ(done.rows, others) << candidate.name << ", depth " << depth;
        EXPECT_LE(done.calls, std::max<std::int64_t>(1, depth / kBf16Step)) << candidate.name;
      }
      EXPECT_EQ(tile[0], expected(0, 0, depth)) << candidate.name;
    }
  }
}

#if defined(__x86_64__)
// The functions of both files that need no more than AVX-512 with VNNI.
class Rounding : public testing::TestWithParam<const Bf16Kernels*> {
 protected:
  void SetUp() override {
    if (std::ranges::count(available_isas(), Isa::kAvx512Vnni) == 0) {
      GTEST_SKIP() << "this processor has no AVX-512 with VNNI";
    }
  }
  static const Bf16Kernels& kernels() { return *GetParam(); }
};

std::uint16_t rounded(const Bf16Kernels& kernels, float v) {
  std::vector<float> row(kDepthStep);
  row[5] = v;
  std::vector<std::uint16_t> to(kBf16Step);
  kernels.to_bf16(row.data(), kDepthStep, 1, to.data());
  return to[5];
}

TEST_P(Rounding, IsToTheNearestAndTiesToEven) {
  EXPECT_EQ(rounded(kernels(), 1.0F), 0x3F80);
  EXPECT_EQ(rounded(kernels(), 1 + 0x1p-8F), 0x3F80);
  EXPECT_EQ(rounded(kernels(), 1 + 0x1p-8F + 0x1p-20F), 0x3F81);
  EXPECT_EQ(rounded(kernels(), 1 + 0x1.8p-7F), 0x3F82);
  EXPECT_EQ(rounded(kernels(), -0.0F), 0x8000);
  EXPECT_EQ(rounded(kernels(), std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(rounded(kernels(), -std::numeric_limits<float>::infinity()), 0xFF80);
  EXPECT_TRUE(std::isnan(bf16_value(rounded(kernels(), std::nanf("")))));
  EXPECT_TRUE(std::isnan(bf16_value(rounded(kernels(), std::bit_cast<float>(0x7F800001U)))));
}

TEST_P(Rounding, PutsRowsIntoStepsOf32) {
  constexpr std::int64_t kRows = 3;
  constexpr std::int64_t kDepth = 48;
  for (const std::int64_t missing : {0, 1, 15}) {  // zeros stand for them
    auto to = some_rows(kRows, kDepth);
    auto right = to;
    for (std::uint16_t& v : to) v = v == 0x7FC0 ? v : 1;
    for (std::int64_t r = 0; r < kRows; ++r) {
      std::vector<float> row;
      for (std::int64_t k = 0; k < kDepth - missing; ++k) row.push_back(value(r, k));
      kernels().to_bf16(row.data(), std::ssize(row), kRows, &to[r * kBf16Step]);
      for (std::int64_t k = kDepth - missing; k < kDepth; ++k) {
        right[(k / kBf16Step * kRows + r) * kBf16Step + k % kBf16Step] = 0;
      }
    }
    EXPECT_EQ(to, right) << missing;
  }
}

TEST_P(Rounding, OfSwigluIsThatOfItsResult) {
  constexpr std::int64_t kRows = 5;
  std::vector<float> tile(kRows * kPanelColumns);
  for (std::size_t i = 0; i < tile.size(); ++i) tile[i] = 0.37F * static_cast<float>(i % 23) - 4;
  std::vector<float> hidden(kRows * kDepthStep);
  kAvx512VnniKernels.swiglu(tile.data(), kRows, hidden.data());
  std::vector<std::uint16_t> narrow(kRows * kBf16Step, 7);
  kernels().swiglu(tile.data(), kRows, narrow.data());
  for (std::int64_t r = 0; r < kRows; ++r) {
    for (std::int64_t i = 0; i < kBf16Step; ++i) {
      const std::uint16_t right =
          i < kDepthStep ? rounded(kernels(), hidden[r * kDepthStep + i]) : 7;
      // A quotient may be off by some units of f32, and so lie beyond the middle of two of bf16.
      EXPECT_LE(std::abs(narrow[r * kBf16Step + i] - right), i < kDepthStep ? 1 : 0)
          << r << ", " << i;
    }
  }
}

TEST_P(Rounding, OfSwigluAtItsEnds) {
  const std::vector<float> gates = {-3e38F, -1e30F, -200, -89, -88, -87, -30, 0, 30, 200, 1e30F};
  std::vector<float> tile(kPanelColumns, 1.0F);
  std::ranges::copy(gates, tile.begin());
  tile[15] = std::nanf("");
  std::vector<std::uint16_t> narrow(kBf16Step);
  kernels().swiglu(tile.data(), 1, narrow.data());
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const double right = gates[i] / (1 + std::exp(-static_cast<double>(gates[i])));
    EXPECT_NEAR(bf16_value(narrow[i]), right, 0x1p-8 * std::abs(right) + 0x1p-120) << gates[i];
  }
  EXPECT_TRUE(std::isnan(bf16_value(narrow[15])));
}

INSTANTIATE_TEST_SUITE_P(All, Rounding, testing::Values(&kAvx512Bf16Kernels, &kAmxBf16Kernels),
                         [](const auto& test) { return test.index == 0 ? "dots" : "tiles"; });
#endif

}  // namespace
}  // namespace moe::cpu
