// Moving and adding rows, against plain loops on the host: odd widths, empty slots, unaligned rows.
#include "kernels/cuda/rows/rows.h"

#include "kernels/cuda/detail/numbers.cuh"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/testing.h"

namespace moe::cuda {
namespace {

using testing::DeviceArray;
using testing::expect_right;
using testing::Numbers;

constexpr double kUnit = simt::cuda_tests::kFloatUnit;

std::string wrong_at(const char* what, std::int64_t i, double got, double want) {
  return std::string(what)
      .append(" ")
      .append(std::to_string(i))
      .append(": ")
      .append(std::to_string(got) + " instead of " + std::to_string(want));
}

// ---- gather ------------------------------------------------------------------------------------

struct GatherCase {
  std::int64_t columns, from_stride, to_stride;
  int element;
  bool zero_empty = true;
};

std::string gathers(const GatherCase& c) {
  constexpr std::int64_t kTokens = 7, kSlots = 21;
  Numbers numbers(3);
  std::vector<std::uint8_t> from(kTokens * c.from_stride * c.element);
  for (auto& x : from) x = static_cast<std::uint8_t>(numbers.below(256));
  std::vector<std::int32_t> token(kSlots);
  for (auto& t : token) t = numbers.below(kTokens + 1) - 1;
  std::vector<std::uint8_t> want(kSlots * c.to_stride * c.element, 0xAB);
  for (std::int64_t s = 0; s < kSlots; ++s) {
    for (std::int64_t b = 0; b < c.columns * c.element; ++b) {
      std::uint8_t& to = want[s * c.to_stride * c.element + b];
      if (token[s] >= 0) {
        to = from[token[s] * c.from_stride * c.element + b];
      } else if (c.zero_empty) {
        to = 0;
      }
    }
  }
  DeviceArray<std::uint8_t> a(from), b(want.size());
  DeviceArray<std::int32_t> t(token);
  b.fill_bytes(0xAB);
  gather_rows({.from = a.data(),
               .to = b.data(),
               .from_stride = c.from_stride,
               .to_stride = c.to_stride,
               .columns = c.columns,
               .element_bytes = c.element,
               .slots = kSlots,
               .token = t.data(),
               .zero_empty = c.zero_empty},
              stream());
  return simt::cuda_tests::same(b.get(), want, "byte");
}

TEST(GatherRows, CopiesWideAndNarrowRowsAndZeroesEmptyOnes) {
  for (const GatherCase& c :
       {GatherCase{33, 36, 40, 4}, GatherCase{600, 600, 600, 4}, GatherCase{2048, 2048, 2056, 2},
        GatherCase{19, 24, 24, 2}, GatherCase{19, 32, 48, 1}, GatherCase{5, 5, 7, 2}}) {
    expect_right([&] { return gathers(c); });
  }
}

TEST(GatherRows, MovesAColumnOfScales) {
  expect_right([] { return gathers({1, 1, 1, 4}); });
}

TEST(GatherRows, LeavesEmptyRowsAloneIfTold) {
  expect_right([] { return gathers({33, 36, 36, 4, false}); });
}

// ---- combine -----------------------------------------------------------------------------------

template <class T>
struct Rows {
  std::vector<T> bits;
  std::vector<double> value;
};
template <class T>
Rows<T> random_rows(Numbers& numbers, std::size_t count) {
  Rows<T> rows;
  for (std::size_t i = 0; i < count; ++i) {
    const float x = numbers.uniform();
    if constexpr (std::is_same_v<T, __nv_bfloat16>) {
      rows.bits.push_back(__float2bfloat16(x));
      rows.value.push_back(__bfloat162float(rows.bits.back()));
    } else if constexpr (std::is_same_v<T, __half>) {
      rows.bits.push_back(__float2half(x));
      rows.value.push_back(__half2float(rows.bits.back()));
    } else {
      rows.bits.push_back(x);
      rows.value.push_back(x);
    }
  }
  return rows;
}

// Sums of at most `terms` products of numbers below 1: each step rounds once.
std::string near_sums(const std::vector<float>& y, const std::vector<double>& want,
                      std::int64_t terms) {
  const std::vector<double> bound(want.size(), static_cast<double>(terms * terms) * kUnit);
  return simt::cuda_tests::near(y, want, bound, "y");
}

template <class T>
std::string combines(DType type, std::int64_t tokens, int top_k, std::int64_t hidden,
                     std::int64_t stride) {
  Numbers numbers(5);
  const std::int64_t slots = tokens * top_k + 3;
  auto rows = random_rows<T>(numbers, slots * stride);
  std::vector<std::int32_t> slot(tokens * top_k);
  for (auto& s : slot) s = numbers.below(static_cast<int>(slots) + 1) - 1;
  const auto weight = numbers.floats(slot.size());
  std::vector<double> want(tokens * hidden, 0.0);
  for (std::int64_t a = 0; a < tokens * top_k; ++a) {
    for (std::int64_t j = 0; j < hidden && slot[a] >= 0; ++j) {
      want[a / top_k * hidden + j] += weight[a] * rows.value[slot[a] * stride + j];
    }
  }
  DeviceArray<T> r(rows.bits);
  DeviceArray<std::int32_t> s(slot);
  DeviceArray<float> w(weight), y(tokens * hidden);
  combine_rows({.rows = r.data(),
                .row_type = type,
                .rows_stride = stride,
                .slot_of_assignment = s.data(),
                .weight = w.data(),
                .tokens = tokens,
                .top_k = top_k,
                .y = y.data(),
                .y_stride = hidden,
                .hidden = hidden},
               stream());
  return near_sums(y.get(), want, top_k);
}

TEST(CombineRows, SumsInF32WhateverTheRowsAre) {
  expect_right([] { return combines<float>(DType::kF32, 17, 3, 33, 36); });
  expect_right([] { return combines<float>(DType::kTf32, 3, 5, 132, 132); });
  expect_right([] { return combines<__nv_bfloat16>(DType::kBf16, 9, 2, 520, 528); });
  expect_right([] { return combines<__half>(DType::kF16, 2, 8, 44, 48); });
}

TEST(CombineRows, WritesRowsOfZerosWhereAllWereDropped) {
  expect_right([] {
    DeviceArray<float> rows(8), y(8);
    DeviceArray<std::int32_t> slot(std::vector<std::int32_t>{-1, -1});
    DeviceArray<float> weight(2);  // never written: the weight of a dropped one is not read
    combine_rows({.rows = rows.data(),
                  .rows_stride = 8,
                  .slot_of_assignment = slot.data(),
                  .weight = weight.data(),
                  .tokens = 1,
                  .top_k = 2,
                  .y = y.data(),
                  .y_stride = 8,
                  .hidden = 8},
                 stream());
    return simt::cuda_tests::same(y.get(), std::vector<float>(8, 0.0F));
  });
}

TEST(CombineLists, SumsListsOfAnyLength) {
  expect_right([] {
    constexpr std::int64_t kTokens = 5, kSlots = 60, kHidden = 21, kStride = 24;
    Numbers numbers(11);
    const auto rows = random_rows<__nv_bfloat16>(numbers, kSlots * kStride);
    const auto weight = numbers.floats(kSlots);
    const std::vector<std::int32_t> begin = {0, 0, 41, 42, 60, 60};  // none, more than a warp
    std::vector<std::int32_t> slot(kSlots);
    for (std::int32_t i = 0; i < kSlots; ++i) slot[i] = (i * 7) % kSlots;
    std::vector<double> want(kTokens * kHidden, 0.0);
    for (std::int64_t t = 0; t < kTokens; ++t) {
      for (std::int32_t i = begin[t]; i < begin[t + 1]; ++i) {
        for (std::int64_t j = 0; j < kHidden; ++j) {
          want[t * kHidden + j] += weight[slot[i]] * rows.value[slot[i] * kStride + j];
        }
      }
    }
    DeviceArray<__nv_bfloat16> r(rows.bits);
    DeviceArray<std::int32_t> b(begin), s(slot);
    DeviceArray<float> w(weight), y(kTokens * kHidden);
    combine_lists({.rows = r.data(),
                   .row_type = DType::kBf16,
                   .rows_stride = kStride,
                   .slot_begin = b.data(),
                   .slot_of = s.data(),
                   .weight = w.data(),
                   .tokens = kTokens,
                   .y = y.data(),
                   .y_stride = kHidden,
                   .hidden = kHidden},
                  stream());
    return near_sums(y.get(), want, 41);
  });
}

TEST(ScatterAddRows, AddsToWhatIsThere) {
  expect_right([] {
    constexpr std::int64_t kTokens = 4, kSlots = 19, kHidden = 139, kStride = 140;
    Numbers numbers(13);
    const auto rows = random_rows<__half>(numbers, kSlots * kStride);
    const auto weight = numbers.floats(kSlots);
    std::vector<std::int32_t> token(kSlots);
    for (auto& t : token) t = numbers.below(kTokens + 1) - 1;
    std::vector<double> want(kTokens * kHidden, 1.0);
    for (std::int64_t s = 0; s < kSlots; ++s) {
      for (std::int64_t j = 0; j < kHidden && token[s] >= 0; ++j) {
        want[token[s] * kHidden + j] += weight[s] * rows.value[s * kStride + j];
      }
    }
    DeviceArray<__half> r(rows.bits);
    DeviceArray<std::int32_t> t(token);
    DeviceArray<float> w(weight), y(std::vector<float>(kTokens * kHidden, 1.0F));
    scatter_add_rows({.rows = r.data(),
                      .row_type = DType::kF16,
                      .rows_stride = kStride,
                      .token = t.data(),
                      .weight = w.data(),
                      .slots = kSlots,
                      .y = y.data(),
                      .y_stride = kHidden,
                      .hidden = kHidden},
                     stream());
    return near_sums(y.get(), want, kSlots);
  });
}

// ---- swiglu, e4m3 ------------------------------------------------------------------------------

// relative: of the output's format, besides the few roundings of f32 on the way.
template <class H>
std::string activates(DType type, double relative) {
  constexpr std::int64_t kRows = 5, kFfn = 143, kStride = 148, kPairs = 288;
  Numbers numbers(17);
  auto pairs = numbers.floats(kRows * kPairs);
  for (float& x : pairs) x *= 4;
  DeviceArray<float> from(pairs);
  DeviceArray<H> h(kRows * kStride);
  h.fill_bytes(0);
  swiglu_rows(from, kPairs, h.data(), type, kStride, kRows, kFfn, stream());
  const auto got = h.get();
  for (std::int64_t i = 0; i < kRows * kFfn; ++i) {
    const float* x = &pairs[i / kFfn * kPairs + 2 * (i % kFfn)];
    const double want = x[0] / (1 + std::exp(-static_cast<double>(x[0]))) * x[1];
    const H at = got[i / kFfn * kStride + i % kFfn];
    double value = 0;
    if constexpr (std::is_same_v<H, __nv_bfloat16>) {
      value = __bfloat162float(at);
    } else if constexpr (std::is_same_v<H, __half>) {
      value = __half2float(at);
    } else {
      value = at;
    }
    const double bound = std::fabs(want) * (relative + 12 * kUnit) + 1e-7;
    if (!(std::fabs(value - want) <= bound)) return wrong_at("h", i, value, want);
  }
  return {};
}

TEST(SwigluRows, RoundsToTheTypeOfTheNextProduct) {
  expect_right([] { return activates<float>(DType::kF32, 0); });
  expect_right([] { return activates<float>(DType::kTf32, std::ldexp(1.0, -11)); });
  expect_right([] { return activates<__nv_bfloat16>(DType::kBf16, std::ldexp(1.0, -8)); });
  expect_right([] { return activates<__half>(DType::kF16, std::ldexp(1.0, -11)); });
}

// Whether |q scale - x| is half a step of e4m3 at most: 3 bits behind the point, subnormals below
// 2^-6 in steps of 2^-9; and the scale is the smallest power of two that makes the row fit.
std::string quantizes(std::int64_t columns, std::int64_t stride, std::int64_t to_stride) {
  constexpr std::int64_t kRows = 4;
  Numbers numbers(19);
  auto from = numbers.bfloats(kRows * stride);
  for (std::int64_t c = 0; c < columns; ++c) from[2 * stride + c] = __float2bfloat16(0.0F);
  const std::vector<std::int32_t> token = {5, -1, 0, 3};
  DeviceArray<__nv_bfloat16> a(from);
  DeviceArray<std::uint8_t> q(kRows * to_stride);
  DeviceArray<float> scale(kRows);
  DeviceArray<std::int32_t> t(token);
  q.fill_bytes(0x5A);
  scale.fill_bytes(0);
  quantize_rows_e4m3(a.data(), stride, kRows, columns, q.data(), to_stride, scale, t, stream());
  const auto got = q.get();
  const auto scales = scale.get();
  for (std::int64_t r = 0; r < kRows; ++r) {
    double most = 0;
    for (std::int64_t c = 0; c < columns; ++c) {
      most = std::max<double>(most, std::fabs(__bfloat162float(from[r * stride + c])));
    }
    const double fitting = most > 0 ? std::exp2(std::ceil(std::log2(most / 448))) : 1;
    const double want_scale = r == 1 ? 0 : fitting;
    if (!(scales[r] == want_scale)) {
      return wrong_at("scale", r, scales[r], want_scale);
    }
    for (std::int64_t c = 0; c < to_stride; ++c) {
      __nv_fp8_e4m3 value;
      value.__x = got[r * to_stride + c];
      if (r == 1 || c >= columns) {
        if (value.__x != 0x5A) return wrong_at("untouched byte", c, value.__x, 0x5A);
        continue;
      }
      const double x = __bfloat162float(from[r * stride + c]) / static_cast<double>(scales[r]);
      const double step = std::ldexp(1.0, std::max(-9, x == 0 ? -9 : std::ilogb(x) - 3));
      const double error = std::fabs(static_cast<double>(static_cast<float>(value)) - x);
      if (!(error <= 0.5 * step * (1 + 1e-5))) {
        return wrong_at("q", r * columns + c, static_cast<float>(value), x);
      }
    }
  }
  return {};
}

TEST(QuantizeRows, GivesEachRowItsScaleAndLeavesEmptyOnesAlone) {
  expect_right([] { return quantizes(19, 24, 32); });
  expect_right([] { return quantizes(1200, 1200, 1216); });
  expect_right([] { return quantizes(13, 13, 13); });
}

}  // namespace
}  // namespace moe::cuda
