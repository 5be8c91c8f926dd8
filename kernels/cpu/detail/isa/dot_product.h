#pragma once
// Products of bf16 by bf16 with an instruction that adds a pair's two products to a sum in f32. V,
// besides product.h: broadcast_bf16_pair; load_bf16_pairs; dot(sum, a, b).
#include <cstdint>

#include "kernels/cpu/detail/isa/fetcher.h"
#include "kernels/cpu/detail/isa/micro_kernels.h"

namespace moe::cpu {

// A tile of M rows, two registers a row, as in product.h.
template <class V, int M>
void dot_rows(const std::uint16_t* rows, const void* panel, std::int64_t depth, float* tile,
              bool accumulate, Ahead ahead) {
  constexpr int kFetches = 2;  // for each pair
  typename V::Register low[M];
  typename V::Register high[M];
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m) {
    low[m] = accumulate ? V::load(tile + m * kPanelColumns) : V::zero();
    high[m] = accumulate ? V::load(tile + m * kPanelColumns + 16) : V::zero();
  }
  const auto* b = static_cast<const std::uint16_t*>(panel);
  Fetcher<V> fetcher(ahead, depth, kFetches * kDepthStep / 2);
  for (std::int64_t k = 0; k < depth; k += kDepthStep) {
    const std::uint16_t* const a = rows + k / kBf16Step * kBf16Step * M + k % kBf16Step;
#pragma GCC unroll 8
    for (int i = 0; i < kDepthStep; i += 2) {
      fetcher.fetch(i / 2 * kFetches);
      fetcher.fetch(i / 2 * kFetches + 1);
      const auto b_low = V::load_bf16_pairs(b);
      const auto b_high = V::load_bf16_pairs(b + kPanelColumns);
#pragma GCC unroll 16
      for (int m = 0; m < M; ++m) {
        const auto pair = V::broadcast_bf16_pair(a + m * kBf16Step + i);
        low[m] = V::dot(low[m], pair, b_low);
        high[m] = V::dot(high[m], pair, b_high);
      }
      b += 2 * kPanelColumns;
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m) {
    V::store(tile + m * kPanelColumns, low[m]);
    V::store(tile + m * kPanelColumns + 16, high[m]);
  }
}

using DotRows = void (*)(const std::uint16_t* rows, const void* panel, std::int64_t depth,
                         float* tile, bool accumulate, Ahead ahead);

template <class V, int... M>
constexpr std::array<DotRows, sizeof...(M)> dot_rows_of(std::integer_sequence<int, M...>) {
  return {dot_rows<V, M + 1>...};
}

template <class V>
void dot_product(const std::uint16_t* rows, std::int64_t m, const void* panel, std::int64_t depth,
                 float* tile, bool accumulate, Ahead ahead, Ahead, const Meanwhile& meanwhile) {
  if (meanwhile.rows > 0) meanwhile.some(meanwhile.what, 0, meanwhile.rows);
  static constexpr auto kRows = dot_rows_of<V>(std::make_integer_sequence<int, V::kMostRows>());
  kRows[m - 1](rows, panel, depth, tile, accumulate, ahead);
}

// As multiply_add of product.h, with this instruction.
template <class V>
double dot_multiply_add(std::int64_t rounds, float* sink) {
  constexpr int kChains = 10;
  typename V::Register sum[kChains];
#pragma GCC unroll 16
  for (int c = 0; c < kChains; ++c) sum[c] = V::broadcast_value(static_cast<float>(c));
  const auto pair = V::broadcast_bf16_pair(reinterpret_cast<const std::uint16_t*>(sink));
  const auto other = V::broadcast_bf16_pair(reinterpret_cast<const std::uint16_t*>(sink + 1));
  for (std::int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
    for (int c = 0; c < kChains; ++c) sum[c] = V::dot(sum[c], pair, other);
  }
#pragma GCC unroll 16
  for (int c = 1; c < kChains; ++c) sum[0] = V::add(sum[0], sum[c]);
  V::store(sink, sum[0]);
  return 4.0 * V::kWidth * kChains * static_cast<double>(rounds);
}

}  // namespace moe::cpu
