#pragma once
// The product of bf16 for so many rows that multiplying is what takes the time. To widen a vector
// of weights by a shift or a mask costs as much as to multiply one: m rows would reach m / (m + 1)
// of the peak. Here the ports that store do it. A masked store writes the upper half of 16 values
// of f32 whose lower halves are zeros already, and the products read these from the first-level
// cache some steps later, when the stores are done. Needs V::spread, V::fma_both and kSpreadRows.
#include <cstdint>

#include "kernels/cpu/detail/isa/fetcher.h"
#include "kernels/cpu/detail/isa/micro_kernels.h"

namespace moe::cpu {

inline constexpr std::int64_t kStepValues = kDepthStep * kPanelColumns;
inline constexpr std::int64_t kChunkSteps = 4;

// Room of a thread for steps as f32, [depth][32]. Nothing but spread() writes to it, so that the
// lower halves stay zero. Two chunks are a step more apart than they are long, lest a chunk's loads
// have the same lower 12 bits as the stores to the other: the processor would take them for one.
template <class V>
struct WideSteps {
  static constexpr std::int64_t kApart = (kChunkSteps + 1) * kStepValues;
  alignas(64) static inline constinit thread_local float values[kApart +
                                                                kChunkSteps * kStepValues] = {};
};

// Spreads a panel's steps one after the other, a part of a step at a time; when all are, the last
// part again, into room that is not read.
template <class V, int kParts>
class Spreader {
 public:
  static constexpr int kLines = kDepthStep / kParts;  // of a part, 16 pairs each

  Spreader(const void* panel, std::int64_t steps)
      : from_(static_cast<const std::uint16_t*>(panel)),
        last_(from_ + (steps * kParts - 1) * kPart) {}
  // i: below kLines. to: of this part.
  [[gnu::always_inline]] void line(int i, float* to) const {
    V::spread(from_ + i * kPanelColumns, to + i / 2 * (2 * kPanelColumns) + i % 2 * 16);
  }
  [[gnu::always_inline]] void next_part() { from_ = from_ < last_ ? from_ + kPart : last_; }
  void steps(std::int64_t count, float* to) {
    for (std::int64_t part = 0; part < count * kParts; ++part, to += kPart) {
      for (int i = 0; i < kLines; ++i) line(i, to);
      next_part();
    }
  }

 private:
  static constexpr std::int64_t kPart = kStepValues / kParts;  // values of bf16, and of f32

  const std::uint16_t* from_;
  const std::uint16_t* last_;
};

// A step of R rows out of M. wide: the step's weights. Spreads a part to `to`, fetches as many
// lines as the part has, and has the rows of a later step ready in the first-level cache.
template <int M, int R, class V, int kParts>
[[gnu::always_inline]] inline void multiply_step(const float* rows, const float* wide,
                                                 Spreader<V, kParts>& spreader, float* to,
                                                 Fetcher<V>& fetcher,
                                                 typename V::Register (&low)[R],
                                                 typename V::Register (&high)[R]) {
  constexpr int kRowsAhead = 2;  // steps
#pragma GCC unroll 16
  for (int i = 0; i < kDepthStep; ++i) {
    if (i % kParts == 0) {
      fetcher.fetch(i / kParts);
      spreader.line(i / kParts, to);
    }
    if (i < R) __builtin_prefetch(rows + (kRowsAhead * M + i) * kDepthStep, 0, 3);
    __asm__ volatile("" ::: "memory");  // or the compiler has all fetches at once
    const auto b_low = V::load(wide + i * kPanelColumns);
    const auto b_high = V::load(wide + i * kPanelColumns + 16);
#pragma GCC unroll 16
    for (int m = 0; m < R; ++m) {
      V::fma_both(rows + m * kDepthStep + i, b_low, b_high, low[m], high[m]);
    }
  }
  spreader.next_part();
}

template <int R, class V>
[[gnu::always_inline]] inline void load_sums(const float* tile, bool accumulate,
                                             typename V::Register (&low)[R],
                                             typename V::Register (&high)[R]) {
#pragma GCC unroll 16
  for (int m = 0; m < R; ++m) {
    low[m] = accumulate ? V::load(tile + m * kPanelColumns) : V::zero();
    high[m] = accumulate ? V::load(tile + m * kPanelColumns + 16) : V::zero();
  }
}

template <int R, class V>
[[gnu::always_inline]] inline void store_sums(float* tile, const typename V::Register (&low)[R],
                                              const typename V::Register (&high)[R]) {
#pragma GCC unroll 16
  for (int m = 0; m < R; ++m) {
    V::store(tile + m * kPanelColumns, low[m]);
    V::store(tile + m * kPanelColumns + 16, high[m]);
  }
}

// Rows that have registers for two sums each.
template <class V, int M>
void spread_product(const float* rows, const void* panel, std::int64_t depth, float* tile,
                    bool accumulate, Ahead ahead, Ahead rows_ahead) {
  // Steps from a store to its load: an odd number, so that both are not 4096 bytes apart at a time.
  constexpr std::int64_t kBefore = 3;
  const std::int64_t steps = depth / kDepthStep;
  LineFetcher<V, false> more_rows(rows_ahead.from, rows_ahead.bytes * steps, steps);
  Fetcher<V> fetcher(ahead, depth, kDepthStep);
  Spreader<V, 1> spreader(panel, steps);
  float* const wide = WideSteps<V>::values;
  spreader.steps(kBefore, wide);
  typename V::Register low[M];
  typename V::Register high[M];
  load_sums<M, V>(tile, accumulate, low, high);
  for (std::int64_t k = 0; k < steps; ++k) {
    more_rows.fetch();
    multiply_step<M, M>(rows, wide + k % kChunkSteps * kStepValues, spreader,
                        wide + (k + kBefore) % kChunkSteps * kStepValues, fetcher, low, high);
    rows += M * kDepthStep;
  }
  store_sums<M, V>(tile, low, high);
}

// A chunk of R rows out of M, while half of the next one is spread.
template <int M, int R, class V>
[[gnu::always_inline]] inline void multiply_chunk(const float* rows, const float* wide,
                                                  std::int64_t steps, float* tile, bool accumulate,
                                                  Spreader<V, 2>& spreader, float* to,
                                                  Fetcher<V>& fetcher,
                                                  LineFetcher<V, false>& more_rows) {
  typename V::Register low[R];
  typename V::Register high[R];
  load_sums<R, V>(tile, accumulate, low, high);
  for (std::int64_t k = 0; k < steps; ++k) {
    more_rows.fetch();
    multiply_step<M, R>(rows + k * M * kDepthStep, wide + k * kStepValues, spreader,
                        to + k * kStepValues / 2, fetcher, low, high);
  }
  store_sums<R, V>(tile, low, high);
}

// Rows in two halves that multiply what was spread once, a chunk at a time.
template <class V, int M>
void tall_product(const float* rows, const void* panel, std::int64_t depth, float* tile,
                  bool accumulate, Ahead ahead, Ahead rows_ahead) {
  constexpr int kHalf = M / 2;
  const std::int64_t steps = depth / kDepthStep;
  LineFetcher<V, false> more_rows(rows_ahead.from, rows_ahead.bytes * steps, 2 * steps);
  Fetcher<V> fetcher(ahead, depth, kDepthStep);
  Spreader<V, 2> spreader(panel, steps);
  float* wide = WideSteps<V>::values;
  float* next = wide + WideSteps<V>::kApart;
  spreader.steps(kChunkSteps, wide);
  for (std::int64_t k = 0; k < steps; k += kChunkSteps) {
    const std::int64_t n = steps - k < kChunkSteps ? steps - k : kChunkSteps;
    multiply_chunk<M, kHalf>(rows, wide, n, tile, accumulate, spreader, next, fetcher, more_rows);
    multiply_chunk<M, M - kHalf>(rows + kHalf * kDepthStep, wide, n, tile + kHalf * kPanelColumns,
                                 accumulate, spreader, next + n * kStepValues / 2, fetcher,
                                 more_rows);
    accumulate = true;
    rows += n * M * kDepthStep;
    float* const done = wide;
    wide = next;
    next = done;
  }
}

}  // namespace moe::cpu
