#include "kernels/cpu/detail/expert_ffn.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "kernels/cpu/detail/isa/emulated_bf16.h"

namespace moe::cpu {
namespace {

constexpr std::int64_t kExperts = 5;
constexpr std::int64_t kTopK = 2;

std::vector<float> eighths(std::size_t n, std::uint32_t salt) {
  std::vector<float> v(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto mixed = static_cast<std::uint32_t>(i) * 2654435761U + salt;
    v[i] = (static_cast<float>(mixed >> 29) - 4) / 8;
  }
  return v;
}

// A layer, tokens, and rows that are cut into groups as they come.
struct Problem {
  Problem(DType dtype, std::int64_t tokens, std::int64_t hidden = 160)
      : shape{tokens, hidden, 100, kExperts, kTopK, true, dtype},
        weights{eighths(kExperts * 100 * hidden, 1), eighths(kExperts * 100 * hidden, 2),
                eighths(kExperts * hidden * 100, 3)},
        x(eighths(tokens * hidden, 4)),
        weight(tokens * kTopK, 0.5F) {
    const std::int64_t rows = tokens * kTopK;
    for (std::int64_t r = 0; r < rows; ++r) token.push_back(static_cast<std::int32_t>(r / kTopK));
    for (std::int32_t e = 0; e < kExperts; ++e) {
      const std::int64_t begin = rows * e / kExperts;
      groups.push_back({e, begin, rows * (e + 1) / kExperts - begin});
    }
  }
  RowSource source() const {
    return {packed<const float>(x.data(), shape.tokens, shape.hidden), token};
  }

  MoeShape shape;
  ExpertWeights weights;
  std::vector<float> x, weight;
  std::vector<std::int32_t> token;
  std::vector<RowGroup> groups;
};

struct Outputs {
  std::vector<float> rows;  // [T * K, H]
  std::vector<float> sum;   // [T, H]
  bool operator==(const Outputs&) const = default;
};

Outputs run(const Problem& p, int threads,
            const MicroKernels& kernels = micro_kernels(chosen_isa())) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  const std::int64_t rows = p.shape.tokens * kTopK;
  ExpertFfn ffn;
  ffn.prepare(p.shape, p.weights, rows, kernels);
  Outputs out;
  out.rows.assign(rows * p.shape.hidden, -1);
  out.sum.assign(p.x.size(), -1);
  ffn.run(p.groups, p.source(), packed(out.rows.data(), rows, p.shape.hidden));
  ffn.run(p.groups, p.source(),
          {p.token, p.weight, packed(out.sum.data(), p.shape.tokens, p.shape.hidden)});
  omp_set_num_threads(before);
  return out;
}

class ExpertFfnTest : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { setenv("MOEBENCH_ISA", std::string(to_string(GetParam())).c_str(), 1); }
  void TearDown() override { unsetenv("MOEBENCH_ISA"); }
};

TEST_P(ExpertFfnTest, GivesTheSameBitsWithEveryNumberOfThreads) {
  for (const DType dtype : {DType::kF32, DType::kBf16, DType::kInt8, DType::kInt4}) {
    for (const std::int64_t tokens : {1, 9, 40, 300}) {
      const Problem p(dtype, tokens);
      const Outputs one = run(p, 1);
      EXPECT_EQ(run(p, 2), one) << to_string(dtype) << ", " << tokens << " tokens";
      EXPECT_EQ(run(p, 4), one) << to_string(dtype) << ", " << tokens << " tokens";
    }
  }
}

// Panels of several pieces, for one block of rows, for two, and for so many that bf16 is widened
// once. Sums of eighths are exact in f32, so only their last product may be rounded differently.
TEST_P(ExpertFfnTest, GivesForBf16WhatItGivesForF32) {
  if (micro_kernels(GetParam()).native_bf16.product != nullptr) {
    GTEST_SKIP() << "rows are rounded to bf16, which ExpertFfnOfBf16 tests";
  }
  for (const std::int64_t tokens : {9, 60, 163}) {
    const Outputs narrow = run(Problem(DType::kBf16, tokens, 2100), 2);
    const Outputs wide = run(Problem(DType::kF32, tokens, 2100), 2);
    float largest = 0;
    for (const float v : wide.rows) largest = std::max(largest, std::abs(v));
    for (std::int64_t i = 0; i < std::ssize(wide.rows); ++i) {
      ASSERT_NEAR(narrow.rows[i], wide.rows[i], 0x1p-18 * largest) << i << ", " << tokens;
    }
  }
}

// With weights of 1/2 a sum of two rows is rounded once, however it is computed.
TEST_P(ExpertFfnTest, SumsUpTheRowsThatItGivesOutOtherwise) {
  const Problem p(DType::kBf16, 40);
  const Outputs out = run(p, 2);
  const std::int64_t h = p.shape.hidden;
  for (std::int64_t i = 0; i < std::ssize(out.sum); ++i) {
    const std::int64_t first = i / h * kTopK * h + i % h;
    ASSERT_EQ(out.sum[i], 0.5F * out.rows[first] + 0.5F * out.rows[first + h]) << i;
  }
}

TEST_P(ExpertFfnTest, WritesEveryRowOfASumWithoutGroups) {
  const Problem p(DType::kF32, 3);
  ExpertFfn ffn;
  ffn.prepare(p.shape, p.weights, 6);
  std::vector<float> y(p.x.size(), -1);
  ffn.run({}, p.source(), {p.token, p.weight, packed(y.data(), 3, p.shape.hidden)});
  EXPECT_EQ(y, std::vector<float>(y.size(), 0));
}

// Rows of bf16, with the instructions emulated and everything else as it is, and with those that
// this processor has. Rows are exact in bf16, and a hidden value is off by at most 2^-9 of itself.
// Signs are mixed, so that these errors add up like the values do: the root mean square of the
// outputs is off by less than 2^-8 of itself.
TEST(ExpertFfnOfBf16, IsWithinTheRoundingOfHiddenValues) {
  if (std::ranges::count(available_isas(), Isa::kAvx512Vnni) == 0) {
    GTEST_SKIP() << "this processor has no AVX-512 with VNNI";
  }
  MicroKernels tiles = micro_kernels(Isa::kAmxBf16);
  tiles.native_bf16.product = tile_product<EmulatedTiles>;
  tiles.native_bf16.finish = EmulatedTiles::release;
  MicroKernels dots = micro_kernels(Isa::kAvx512Bf16);
  dots.native_bf16.product = dot_product<EmulatedDots>;
  std::vector<MicroKernels> candidates = {tiles, dots};
  for (const Isa isa : available_isas()) {
    if (micro_kernels(isa).native_bf16.product != nullptr) {
      candidates.push_back(micro_kernels(isa));
    }
  }
  for (const std::int64_t tokens : {1, 9, 60, 163}) {
    for (const std::int64_t hidden : {160, 1100}) {
      const Problem p(DType::kBf16, tokens, hidden);
      const Outputs right = run(Problem(DType::kF32, tokens, hidden), 2);
      for (const MicroKernels& kernels : candidates) {
        const Outputs found = run(p, 2, kernels);
        EXPECT_EQ(run(p, 1, kernels), found);
        double error = 0;
        double all = 0;
        for (std::int64_t i = 0; i < std::ssize(right.rows); ++i) {
          error += std::pow(found.rows[i] - right.rows[i], 2);
          all += std::pow(right.rows[i], 2);
        }
        EXPECT_GT(error, 0);
        EXPECT_LT(std::sqrt(error / all), 0x1p-8)
            << to_string(kernels.isa) << ", " << tokens << " tokens, " << hidden;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ExpertFfnTest,
                         testing::ValuesIn(available_isas().begin(), available_isas().end()),
                         [](const auto& test) {
                           std::string name(to_string(test.param));
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace moe::cpu
