#pragma once
// The micro-kernels, written once over a vector type `V` of the instruction set. Included only by
// the files of this folder, each of which is compiled for another processor: everything here must
// be instantiated with types of that file alone, and nothing of the standard library that leaves
// code behind, or the linker would give one processor's code to another.
//
// V: Register; kWidth, the floats in it; zero, load, store, broadcast, add, multiply, divide,
// fma(a, b, c) = a * b + c; widen_low, widen_high of kWidth pairs of bf16; exp.
// kMostRows, as many as have registers for two sums each; kOnePassRows, as many as have registers
// for the sums of all columns; kTallRows, as many as bf16 multiplies in one call; kSpreadRows, from
// which on it spreads (spread_product.h), and where there are such fma_broadcast(p, b, c) =
// *p * b + c; kWidensOnce, whether blocks of rows shall share what one of them widens;
// kFetchesNear, whether weights are asked for on their way from the second-level cache to the
// first. What it needs for whole numbers stands in integer_product.h and to_integers.h.
#include <cstdint>
#include <utility>

#include "kernels/cpu/detail/isa/fetcher.h"
#include "kernels/cpu/detail/isa/integer_product.h"
#include "kernels/cpu/detail/isa/micro_kernels.h"
#include "kernels/cpu/detail/isa/spread_product.h"
#include "kernels/cpu/detail/isa/to_integers.h"

namespace moe::cpu {

// Bytes from where a kernel reads to where it has the first-level cache filled from the second.
inline constexpr std::int64_t kNearAhead = 512;

template <class V>
inline constexpr bool kSpreads = V::kSpreadRows <= V::kMostRows;

// How weights come out of a panel: kStep values of depth at a time, as f32.
template <class V>
struct F32Panel {
  using Stored = float;
  static constexpr int kStep = 1;
  static typename V::Register load(const float* at, int) { return V::load(at); }
};

template <class V>
struct Bf16Panel {
  using Stored = std::uint16_t;
  static constexpr int kStep = 2;
  static typename V::Register load(const std::uint16_t* at, int step) {
    return step == 0 ? V::widen_low(at) : V::widen_high(at);
  }
};

// A tile of M rows. Two registers a row: the columns from j and those from 16 + j, so that gate and
// up of one output meet in one call. Few rows keep apart the sums of the kStep depths: a sum waits
// for the one before it, and two rows alone could not fill the time. kKeep: the panel is left in
// `widened` as f32, [depth][32].
template <class V, class Panel, int M, bool kKeep>
[[gnu::always_inline]] inline void multiply_rows(const float* rows, const void* panel,
                                                 std::int64_t depth, float* tile, bool accumulate,
                                                 Ahead ahead, Ahead rows_ahead, float* widened) {
  using Register = typename V::Register;
  constexpr int kStep = Panel::kStep;
  // Where memory is waited for, fewer instructions let the processor see more fetches at once. It
  // costs more loads, which slow down three rows and fewer where weights come from a cache.
  constexpr bool kFewer = M >= 4 && M < V::kSpreadRows && kSpreads<V> && kStep > 1 && !kKeep;
  // Few rows have registers for all columns at once, and so read a line of weights once.
  constexpr int kParts = M <= V::kOnePassRows ? 16 / V::kWidth : 1;
  constexpr int kSums = 2 * M * kStep * kParts <= V::kSplitSums ? kStep : 1;
  // What comes next is fetched in two passes, where there are two or more: were it all for the
  // first, memory would idle in the other. So many fetches in each after kStep of depth.
  constexpr std::int64_t kPass = V::kWidth * kParts;  // columns of a pass
  constexpr int kFetches = kPass < 16 ? 1 : 2;
  constexpr std::int64_t kFetching = 2 / kFetches * kPass;  // columns
  const auto* weights = static_cast<const typename Panel::Stored*>(panel);
  const std::int64_t steps = depth / kDepthStep;
  Fetcher<V> fetcher(ahead, depth, 2 * kDepthStep / kStep);
  LineFetcher<V, false> more_rows(rows_ahead.from, rows_ahead.bytes * steps, steps);
  for (std::int64_t j = 0; j < 16; j += kPass) {
    Register low[kSums][kParts][M];
    Register high[kSums][kParts][M];
#pragma GCC unroll 4
    for (int p = 0; p < kParts; ++p) {
      float* const to = tile + j + p * V::kWidth;
#pragma GCC unroll 16
      for (int m = 0; m < M; ++m) {
        low[0][p][m] = accumulate ? V::load(to + m * kPanelColumns) : V::zero();
        high[0][p][m] = accumulate ? V::load(to + m * kPanelColumns + 16) : V::zero();
#pragma GCC unroll 2
        for (int s = 1; s < kSums; ++s) low[s][p][m] = high[s][p][m] = V::zero();
      }
    }
    const float* a = rows;
    const auto* b = weights + j * kStep;
    float* kept = kKeep ? widened + j : nullptr;
    for (std::int64_t k = 0; k < depth; k += kDepthStep) {
      if (j == 0) more_rows.fetch();
#pragma GCC unroll 16
      for (int i = 0; i < kDepthStep; i += kStep) {
        if (j < kFetching) {
#pragma GCC unroll 2
          for (int f = 0; f < kFetches; ++f) fetcher.fetch(i / kStep * kFetches + f);
        }
        if (j == 0) {
          if constexpr (V::kFetchesNear && M <= 6) {  // more rows leave the time for it
            __builtin_prefetch(reinterpret_cast<const char*>(b) + kNearAhead, 0, 3);
            __builtin_prefetch(reinterpret_cast<const char*>(b) + kNearAhead + 64, 0, 3);
          }
        }
#pragma GCC unroll 2
        for (int s = 0; s < kStep; ++s) {
#pragma GCC unroll 4
          for (int p = 0; p < kParts; ++p) {
            const auto* const from = b + p * V::kWidth * kStep;
            // Three rows have no registers to keep their values in from part to part, which the
            // compiler would try: it shall not know that they are the same.
            if constexpr (kParts > 1 && M > 2) __asm__("" : "+r"(a));
            const Register b_low = Panel::load(from, s);
            const Register b_high = Panel::load(from + 16 * kStep, s);
            if constexpr (kKeep) {
              V::store(kept + p * V::kWidth, b_low);
              V::store(kept + p * V::kWidth + 16, b_high);
            }
#pragma GCC unroll 16
            for (int m = 0; m < M; ++m) {
              const float* const at = a + m * kDepthStep + i + s;
              constexpr int kLast = kSums - 1;
              const int sum = s < kLast ? s : kLast;
              if constexpr (kFewer) {
                low[sum][p][m] = V::fma_broadcast(at, b_low, low[sum][p][m]);
                high[sum][p][m] = V::fma_broadcast(at, b_high, high[sum][p][m]);
              } else {
                const Register value = V::broadcast(at);
                low[sum][p][m] = V::fma(value, b_low, low[sum][p][m]);
                high[sum][p][m] = V::fma(value, b_high, high[sum][p][m]);
              }
            }
          }
          if constexpr (kKeep) kept += kPanelColumns;
        }
        b += kPanelColumns * kStep;
      }
      a += M * kDepthStep;
    }
#pragma GCC unroll 4
    for (int p = 0; p < kParts; ++p) {
      float* const to = tile + j + p * V::kWidth;
#pragma GCC unroll 16
      for (int m = 0; m < M; ++m) {
#pragma GCC unroll 2
        for (int s = 1; s < kSums; ++s) {
          low[0][p][m] = V::add(low[0][p][m], low[s][p][m]);
          high[0][p][m] = V::add(high[0][p][m], high[s][p][m]);
        }
        V::store(to + m * kPanelColumns, low[0][p][m]);
        V::store(to + m * kPanelColumns + 16, high[0][p][m]);
      }
    }
  }
}

template <class V, class Panel, int M>
void product(const float* rows, const void* panel, std::int64_t depth, float* tile, bool accumulate,
             Ahead ahead, Ahead rows_ahead) {
  multiply_rows<V, Panel, M, false>(rows, panel, depth, tile, accumulate, ahead, rows_ahead,
                                    nullptr);
}

template <class V, class Panel, int M>
void widening_product(const float* rows, const void* panel, std::int64_t depth, float* tile,
                      bool accumulate, Ahead ahead, Ahead rows_ahead, float* widened) {
  multiply_rows<V, Panel, M, true>(rows, panel, depth, tile, accumulate, ahead, rows_ahead,
                                   widened);
}

template <class V>
typename V::Register swiglu_of(typename V::Register gate, typename V::Register up) {
  const auto denominator = V::add(V::broadcast_value(1.0F), V::exp(V::subtract(V::zero(), gate)));
  return V::multiply(V::divide(gate, denominator), up);
}

template <class V>
void swiglu(const float* tile, std::int64_t rows, float* hidden) {
  for (std::int64_t r = 0; r < rows; ++r, tile += kPanelColumns, hidden += 16) {
    for (int c = 0; c < 16; c += V::kWidth) {
      V::store(hidden + c, swiglu_of<V>(V::load(tile + c), V::load(tile + 16 + c)));
    }
  }
}

template <class V>
[[gnu::always_inline]] inline void add_scaled(float* to, const float* from, float weight,
                                              std::int64_t columns) {
  const auto w = V::broadcast_value(weight);
  std::int64_t c = 0;
  for (; c + V::kWidth <= columns; c += V::kWidth) {
    V::store(to + c, V::fma(w, V::load(from + c), V::load(to + c)));
  }
  for (; c < columns; ++c) to[c] += weight * from[c];
}

template <class V>
void add_tile(const TileSum& sum, const float* tile, std::int64_t rows) {
  for (std::int64_t r = 0; r < rows; ++r, tile += kPanelColumns) {
    if (sum.token[r] < 0) continue;
    float* const to = sum.y + sum.token[r] * sum.stride;
    if (sum.columns == kPanelColumns) {
      add_scaled<V>(to, tile, sum.weight[r], kPanelColumns);
    } else {
      add_scaled<V>(to, tile, sum.weight[r], sum.columns);
    }
  }
}

template <class V>
double multiply_add(std::int64_t rounds, float* sink) {
  constexpr int kChains = 10;  // latency times width of every processor here, in few registers
  typename V::Register sum[kChains];
#pragma GCC unroll 16
  for (int c = 0; c < kChains; ++c) sum[c] = V::broadcast_value(static_cast<float>(c));
  const auto factor = V::broadcast(sink);
  const auto term = V::broadcast(sink + 1);
  for (std::int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
    for (int c = 0; c < kChains; ++c) sum[c] = V::fma(factor, term, sum[c]);
  }
#pragma GCC unroll 16
  for (int c = 1; c < kChains; ++c) sum[0] = V::add(sum[0], sum[c]);
  V::store(sink, sum[0]);
  return 2.0 * V::kWidth * kChains * static_cast<double>(rounds);
}

template <class V>
float read(const float* from, std::int64_t n) {
  constexpr int kStreams = 4;
  constexpr std::int64_t kLine = 16;
  constexpr std::int64_t kAhead = 1024;
  const std::int64_t apart = n / kStreams;
  typename V::Register sum[kStreams] = {V::zero(), V::zero(), V::zero(), V::zero()};
  for (std::int64_t i = 0; i < apart; i += kLine) {
#pragma GCC unroll 4
    for (int s = 0; s < kStreams; ++s) {
      const float* const line = from + s * apart + i;
      __builtin_prefetch(line + kAhead, 0, 2);
#pragma GCC unroll 4
      for (int c = 0; c < kLine; c += V::kWidth) sum[s] = V::add(sum[s], V::load(line + c));
    }
  }
  float all[16] = {};
  V::store(all, V::add(V::add(sum[0], sum[1]), V::add(sum[2], sum[3])));
  float total = 0;
  for (int c = 0; c < V::kWidth; ++c) total += all[c];
  return total;
}

// exp(x) for V without an instruction for it: 2^n * exp(r), |r| <= ln(2) / 2, exp(r) by a
// polynomial of degree 6 (Taylor's coefficients shifted to the least error on the interval). Within
// 2 units in the last place; overflow gives infinity, underflow zero. NaN stays NaN.
template <class V>
typename V::Register exp_by_polynomial(typename V::Register x) {
  // Beyond these the result is infinity or zero in any case. The order of operands lets NaN pass.
  x = V::least(V::broadcast_value(89.0F), x);
  x = V::most(V::broadcast_value(-104.0F), x);
  const auto n = V::round(V::multiply(x, V::broadcast_value(1.44269504F)));
  // ln(2) in two parts, so that n * ln(2) loses nothing.
  auto r = V::fma(n, V::broadcast_value(-0.693359375F), x);
  r = V::fma(n, V::broadcast_value(2.12194440e-4F), r);
  auto p = V::broadcast_value(1.9875691500e-4F);
  p = V::fma(p, r, V::broadcast_value(1.3981999507e-3F));
  p = V::fma(p, r, V::broadcast_value(8.3334519073e-3F));
  p = V::fma(p, r, V::broadcast_value(4.1665795894e-2F));
  p = V::fma(p, r, V::broadcast_value(1.6666665459e-1F));
  p = V::fma(p, r, V::broadcast_value(5.0000001201e-1F));
  p = V::fma(p, V::multiply(r, r), V::add(r, V::broadcast_value(1.0F)));
  return V::times_power_of_two(p, n);
}

// Kernels of the number of rows that V has registers for; the table ends with null pointers.
template <class V, template <class> class Panel, int... M>
constexpr std::array<Product, kMostRows> products(std::integer_sequence<int, M...>) {
  return {product<V, Panel<V>, M + 1>...};
}

template <class V, int M>
constexpr Product bf16_product() {
  if constexpr (M > V::kMostRows) {
    return tall_product<V, M>;
  } else if constexpr (M >= V::kSpreadRows) {
    return spread_product<V, M>;
  } else {
    return product<V, Bf16Panel<V>, M>;
  }
}

template <class V, int... M>
constexpr std::array<Product, kMostTallRows> bf16_products(std::integer_sequence<int, M...>) {
  return {bf16_product<V, M + 1>()...};
}

template <class V, template <class> class Panel, int... M>
constexpr std::array<WideningProduct, kMostRows> widening_products(
    std::integer_sequence<int, M...>) {
  if constexpr (V::kWidensOnce) {
    return {widening_product<V, Panel<V>, M + 1>...};
  } else {
    return {};
  }
}

template <class V, int kBits, int... M>
constexpr std::array<IntegerProduct, kMostRows> integer_products(std::integer_sequence<int, M...>) {
  return {integer_product<V, kBits, M + 1>...};
}

template <class V>
constexpr MicroKernels kernels_of(Isa isa) {
  constexpr auto kRows = std::make_integer_sequence<int, V::kMostRows>();
  constexpr auto kTall = std::make_integer_sequence<int, V::kTallRows>();
  return {.isa = isa,
          .rows = V::kMostRows,
          .tall_rows = V::kTallRows,
          .f32 = products<V, F32Panel>(kRows),
          .bf16 = bf16_products<V>(kTall),
          .bf16_to_f32 = widening_products<V, Bf16Panel>(kRows),
          .int8 = integer_products<V, 8>(kRows),
          .int4 = integer_products<V, 4>(kRows),
          .to_integers = to_integers<V>,
          .swiglu = swiglu<V>,
          .add_tile = add_tile<V>,
          .multiply_add = multiply_add<V>,
          .read = read<V>};
}

}  // namespace moe::cpu
