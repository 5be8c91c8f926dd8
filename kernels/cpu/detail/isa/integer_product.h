#pragma once
// Products of whole numbers, for weights of few bits. Widening them to f32 costs more instructions
// than memory leaves time for. So the rows are rounded to 16 bits, which loses next to nothing of
// bf16; weights become 16 bits by shifts, two of depth in a word; products are summed up exactly
// in 32 bits over kIntegerGroup of depth, where they cannot overflow, and from there on in f32.
//
// V, besides product.h: Integers; kIntegerParts, the vectors of 16 columns that are multiplied in
// one pass; no_integers, load_integers, broadcast_pair of 16-bit numbers;
// shift<l, r>: to the left, then arithmetically to the right, of each 16 bits; add_products(sum,
// a, b): a pair's two products are added to the 32 bits of its place; to_floats; scales, each
// from the byte of its exponent. kIntegerRows, as many as have registers for their sums.
#include <cstdint>
#include <utility>

#include "kernels/cpu/detail/isa/fetcher.h"
#include "kernels/cpu/detail/isa/micro_kernels.h"

namespace moe::cpu {

// Bytes ahead that weights are fetched from the second-level cache to the first. There is too
// little to do with a weight to hide the way.
inline constexpr std::int64_t kNear = 512;

// Two rows of registers of V, as in product(): the columns from j and those from 16 + j.
template <class V, int kRows>
struct IntegerSums {
  typename V::Register low[kRows];
  typename V::Register high[kRows];
};

// One pair of depth of every word. `value`: the first row's numbers of that depth.
template <class V, int kBits, int kPair, int kRows, class Integers = typename V::Integers>
inline __attribute__((always_inline)) void add_pair(const std::int16_t* value, Integers b_low,
                                                    Integers b_high, Integers (&low)[kRows],
                                                    Integers (&high)[kRows]) {
  constexpr int kLeft = 16 - kBits * (kPair + 1);
  const Integers w_low = V::template shift<kLeft, 16 - kBits>(b_low);
  const Integers w_high = V::template shift<kLeft, 16 - kBits>(b_high);
#pragma GCC unroll 16
  for (int m = 0; m < kRows; ++m) {
    const Integers a = V::broadcast_pair(value + m * kIntegerGroup + 2 * kPair);
    low[m] = V::add_products(low[m], a, w_low);
    high[m] = V::add_products(high[m], a, w_high);
  }
}

// Adds kIntegerGroup of depth. `values`: the first row's of this group. `scales`: the group's, for
// its columns from j on; int8 has none here.
template <class V, int kBits, int kRows, int... kPair>
inline __attribute__((always_inline)) void add_group(const std::int16_t* values, const char* words,
                                                     const std::uint8_t* scales,
                                                     IntegerSums<V, kRows>& sums,
                                                     std::integer_sequence<int, kPair...>) {
  constexpr int kDepth = 2 * sizeof...(kPair);  // of a word
  typename V::Integers low[kRows];
  typename V::Integers high[kRows];
#pragma GCC unroll 16
  for (int m = 0; m < kRows; ++m) low[m] = high[m] = V::no_integers();
#pragma GCC unroll 16
  for (int k = 0; k < kIntegerGroup; k += kDepth) {
    const auto b_low = V::load_integers(words);
    const auto b_high = V::load_integers(words + 16 * sizeof(std::int32_t));
    (add_pair<V, kBits, kPair, kRows>(values + k, b_low, b_high, low, high), ...);
    words += kPanelColumns * sizeof(std::int32_t);
  }
  if constexpr (kBits == 4) {
    const auto scale_low = V::scales(scales);
    const auto scale_high = V::scales(scales + 16);
#pragma GCC unroll 16
    for (int m = 0; m < kRows; ++m) {
      sums.low[m] = V::fma(scale_low, V::to_floats(low[m]), sums.low[m]);
      sums.high[m] = V::fma(scale_high, V::to_floats(high[m]), sums.high[m]);
    }
  } else {
#pragma GCC unroll 16
    for (int m = 0; m < kRows; ++m) {
      sums.low[m] = V::add(sums.low[m], V::to_floats(low[m]));
      sums.high[m] = V::add(sums.high[m], V::to_floats(high[m]));
    }
  }
}

// The i-th of kParts parts.
template <int kParts>
inline __attribute__((always_inline)) Ahead part_of(Ahead ahead, std::int64_t depth, int i) {
  if (kParts == 1 || ahead.from == nullptr) return ahead;
  ahead.bytes /= kParts;
  ahead.from += i * ahead.bytes * (depth / kDepthStep);
  return ahead;
}

// kRows of the M rows, from `first` on.
template <class V, int kBits, int M, int kRows>
void integer_rows(int first, IntegerRows rows, const void* panel, const float* column_scale,
                  std::int64_t depth, float* tile, bool accumulate, Ahead ahead) {
  constexpr std::int64_t kScaleBytes = kBits == 4 ? kInt4ScaleBytes : 0;
  constexpr std::int64_t kGroupBytes = kIntegerGroup * kPanelColumns * kBits / 8;
  constexpr std::int64_t kGroups = kIntegerStep / kIntegerGroup;
  constexpr int kLines = (kScaleBytes / kGroups + kGroupBytes + 63) / 64;
  // So many prefetches at once, of a cache line or a little less each; an even number. Each few
  // rows fetch their part of what comes next: were it all for the first ones, memory would idle.
  constexpr int kPasses = (M + V::kIntegerRows - 1) / V::kIntegerRows;
  constexpr int kFetches = ((kLines + kPasses - 1) / kPasses + 1) / 2 * 2;
  tile += first * kPanelColumns;
  // All columns of a group before the next one: a line is read from far once.
  constexpr int kParts = V::kIntegerParts;
  for (std::int64_t j = 0; j < 16; j += V::kWidth * kParts) {
    IntegerSums<V, kRows> sums[kParts];
#pragma GCC unroll 4
    for (int p = 0; p < kParts; ++p) {
#pragma GCC unroll 16
      for (int m = 0; m < kRows; ++m) sums[p].low[m] = sums[p].high[m] = V::zero();
    }
    const std::int16_t* a = rows.values + first * kIntegerGroup;
    const char* b = static_cast<const char*>(panel);
    Fetcher<V> fetcher(part_of<kPasses>(ahead, depth, first / V::kIntegerRows), depth,
                       kFetches * kGroups * kDepthStep / kIntegerStep);
    for (std::int64_t k = 0; k < depth; k += kIntegerStep) {
      const auto* scales = reinterpret_cast<const std::uint8_t*>(b) + j;
      b += kScaleBytes;
      for (std::int64_t group = 0; group < kGroups; ++group) {
        if (j == 0) {
#pragma GCC unroll 16
          for (int i = 0; i < kFetches; ++i) fetcher.fetch(i);
        }
        if (V::kFetchesNear && j == 0 && first == 0) {
#pragma GCC unroll 16
          for (int i = 0; i < kLines; ++i) __builtin_prefetch(b + kNear + i * 64, 0, 3);
        }
#pragma GCC unroll 4
        for (int p = 0; p < kParts; ++p) {
          const std::int64_t column = j + p * V::kWidth;
          // The values of a group do not fit the registers from part to part, which the compiler
          // would try: it shall not know that they are the same.
          if constexpr (kParts > 1) __asm__("" : "+r"(a));
          add_group<V, kBits, kRows>(a, b + column * sizeof(std::int32_t), scales + p * V::kWidth,
                                     sums[p], std::make_integer_sequence<int, 16 / kBits>());
        }
        scales += kPanelColumns;
        a += M * kIntegerGroup;
        b += kGroupBytes;
      }
    }
#pragma GCC unroll 4
    for (int p = 0; p < kParts; ++p) {
#pragma GCC unroll 16
      for (int m = 0; m < kRows; ++m) {
        const auto finish = [&](typename V::Register sum, std::int64_t column) {
          sum = V::multiply(sum, V::broadcast(rows.scale + first + m));
          float* const to = tile + m * kPanelColumns + column;
          if (accumulate) sum = V::add(sum, V::load(to));
          if (column_scale != nullptr) sum = V::multiply(sum, V::load(column_scale + column));
          V::store(to, sum);
        };
        finish(sums[p].low[m], j + p * V::kWidth);
        finish(sums[p].high[m], 16 + j + p * V::kWidth);
      }
    }
  }
}

// A tile of M rows, a few at a time: each few widen the weights for themselves.
template <class V, int kBits, int M>
void integer_product(IntegerRows rows, const void* panel, const float* column_scale,
                     std::int64_t depth, float* tile, bool accumulate, Ahead ahead) {
  constexpr int kRows = V::kIntegerRows;
  constexpr int kWhole = M / kRows * kRows;
  for (int r = 0; r < kWhole; r += kRows) {
    integer_rows<V, kBits, M, kRows>(r, rows, panel, column_scale, depth, tile, accumulate, ahead);
  }
  if constexpr (kWhole < M) {
    integer_rows<V, kBits, M, M - kWhole>(kWhole, rows, panel, column_scale, depth, tile,
                                          accumulate, ahead);
  }
}

}  // namespace moe::cpu
