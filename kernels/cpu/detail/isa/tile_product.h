#pragma once
// Products of bf16 by bf16 in tiles of 16 rows of 64 bytes, as AMX has them. Tiles: the eight tile
// registers, so that the loops can be tried where a processor has none:
//   set(shape): what the tiles are; costs nothing where they are that already
//   release(): no shape
//   zero<t>(), load<t>(from, stride), store<t>(to, stride): strides in bytes
//   load_once<t>(from, stride): what will not be loaded again soon
//   multiply<c, a, b>(): c[i][j] += a[i][2 k] * b[k][2 j] + a[i][2 k + 1] * b[k][2 j + 1] over k
#include <algorithm>
#include <cstdint>

#include "kernels/cpu/detail/isa/fetcher.h"
#include "kernels/cpu/detail/isa/micro_kernels.h"

namespace moe::cpu {

inline constexpr std::int64_t kTileRows = 16;
inline constexpr std::int64_t kTileBytes = 64;

// What a product sets its tiles to. 0, 1: sums of the first 16 rows, for the columns from 0 and
// from 16; 2, 3: of the others; 4, 5: rows; 6, 7: weights.
struct TileShape {
  std::int64_t rows;    // of the first block
  std::int64_t others;  // of the second, 0 where there is none
  std::int64_t depth;   // multiplied at once, 16 or 32

  bool operator==(const TileShape&) const = default;
};

// Weights for later, in two streams as in Fetcher: in four portions a step where there are enough
// lines, since many at once hold up the loads that are due.
template <class Tiles>
class TileFetcher {
 public:
  TileFetcher(Ahead ahead, std::int64_t depth, std::int64_t steps) {
    if (ahead.from == nullptr) return;
    const std::int64_t half = ahead.bytes * depth / kDepthStep / 2;
    twice_ = half >= 2 * steps * kTileBytes;
    const std::int64_t calls = twice_ ? 2 * steps : steps;
    first_ = {ahead.from, half, calls};
    second_ = {ahead.from + half, half, calls};
  }
  // kPortion: 0 to 3, each once a step.
  template <int kPortion>
  [[gnu::always_inline]] void fetch() {
    if (kPortion >= 2 && !twice_) return;
    if constexpr (kPortion % 2 == 0) {
      first_.fetch();
    } else {
      second_.fetch();
    }
  }

 private:
  LineFetcher<Tiles, false> first_{nullptr, 0, 1};
  LineFetcher<Tiles, false> second_{nullptr, 0, 1};
  bool twice_ = false;
};

// `depth` in steps of kDepth, in a multiple of which it is. Weights stay in the first-level cache
// for the rows to come, which stream past them: loaded as what is not wanted again, or a step takes
// 108 cycles and not 82 (64 are the products). The loads come first: 3 cycles less. The sums'
// coming and going takes 256 cycles a call; they stand one block behind the other, and the next
// block's are fetched meanwhile.
template <class Tiles, int kDepth, bool kTwo>
void tile_steps(const std::uint16_t* rows, TileShape shape, const char* panel, std::int64_t depth,
                float* tile, bool accumulate, Ahead ahead, Ahead rows_ahead,
                const Meanwhile& meanwhile) {
  constexpr std::int64_t kSumStride = kPanelColumns * sizeof(float);
  constexpr std::int64_t kPanelStride = kPanelColumns * 2 * sizeof(std::uint16_t);
  float* const others = tile + kTileRows * kPanelColumns;
  Tiles::set(shape);
  if (accumulate) {
    Tiles::template load<0>(tile, kSumStride);
    Tiles::template load<1>(tile + kTileRows, kSumStride);
    if constexpr (kTwo) {
      Tiles::template load<2>(others, kSumStride);
      Tiles::template load<3>(others + kTileRows, kSumStride);
    }
  } else {
    Tiles::template zero<0>();
    Tiles::template zero<1>();
    if constexpr (kTwo) {
      Tiles::template zero<2>();
      Tiles::template zero<3>();
    }
  }
  const std::int64_t m = shape.rows + shape.others;
  const std::int64_t steps = depth / kDepth;
  TileFetcher<Tiles> weights(ahead, depth, steps);
  LineFetcher<Tiles, false> more_rows(rows_ahead.from, rows_ahead.bytes * depth / kDepthStep,
                                      steps);
  LineFetcher<Tiles, true> sums(reinterpret_cast<const char*>(tile + m * kPanelColumns),
                                m * kSumStride, steps);
  const std::int64_t some = (meanwhile.rows + steps - 1) / steps;
  std::int64_t done = 0;
  for (std::int64_t k = 0; k < depth; k += kDepth) {
    const std::uint16_t* const a = rows + k * m;
    const char* const b = panel + k / 2 * kPanelStride;
    Tiles::template load_once<4>(a, kTileBytes);
    if constexpr (kTwo) Tiles::template load_once<5>(a + kTileRows * kBf16Step, kTileBytes);
    Tiles::template load<6>(b, kPanelStride);
    Tiles::template load<7>(b + kTileBytes, kPanelStride);
    Tiles::template multiply<0, 4, 6>();
    weights.template fetch<0>();
    Tiles::template multiply<1, 4, 7>();
    weights.template fetch<1>();
    if constexpr (kTwo) Tiles::template multiply<2, 5, 6>();
    weights.template fetch<2>();
    if constexpr (kTwo) Tiles::template multiply<3, 5, 7>();
    weights.template fetch<3>();
    more_rows.fetch();
    sums.fetch();
    if (done < meanwhile.rows) {
      const std::int64_t now = std::min(some, meanwhile.rows - done);
      meanwhile.some(meanwhile.what, done, now);
      done += now;
    }
  }
  Tiles::template store<0>(tile, kSumStride);
  Tiles::template store<1>(tile + kTileRows, kSumStride);
  if constexpr (kTwo) {
    Tiles::template store<2>(others, kSumStride);
    Tiles::template store<3>(others + kTileRows, kSumStride);
  }
}

template <class Tiles, int kDepth>
void tile_blocks(const std::uint16_t* rows, std::int64_t m, const char* panel, std::int64_t depth,
                 float* tile, bool accumulate, Ahead ahead, Ahead rows_ahead,
                 const Meanwhile& meanwhile) {
  if (m > kTileRows) {
    tile_steps<Tiles, kDepth, true>(rows, {kTileRows, m - kTileRows, kDepth}, panel, depth, tile,
                                    accumulate, ahead, rows_ahead, meanwhile);
  } else {
    tile_steps<Tiles, kDepth, false>(rows, {m, 0, kDepth}, panel, depth, tile, accumulate, ahead,
                                     rows_ahead, meanwhile);
  }
}

// Whole steps of kBf16Step, then a half one where depth ends with it.
template <class Tiles>
void tile_product(const std::uint16_t* rows, std::int64_t m, const void* panel, std::int64_t depth,
                  float* tile, bool accumulate, Ahead ahead, Ahead rows_ahead,
                  const Meanwhile& meanwhile) {
  const std::int64_t whole = depth / kBf16Step * kBf16Step;
  const char* const from = static_cast<const char*>(panel);
  if (whole > 0) {
    tile_blocks<Tiles, kBf16Step>(rows, m, from, whole, tile, accumulate, ahead, rows_ahead,
                                  meanwhile);
  }
  if (whole < depth) {
    tile_blocks<Tiles, kDepthStep>(
        rows + whole * m, m, from + whole * kPanelColumns * sizeof(std::uint16_t), kDepthStep, tile,
        accumulate || whole > 0, {}, {}, whole > 0 ? Meanwhile{} : meanwhile);
  }
}

// As multiply_add of product.h, with tiles. Signs alternate, so that sums stay small.
template <class Tiles>
double tile_multiply_add(std::int64_t rounds, float* sink) {
  alignas(kTileBytes) std::uint16_t values[kTileRows * kBf16Step];
  for (int i = 0; i < kTileRows * kBf16Step; ++i) {
    values[i] = static_cast<std::uint16_t>((i / kBf16Step % 2 == 0 ? 0x3F80 : 0xBF80) + i % 64);
  }
  Tiles::set({kTileRows, kTileRows, kBf16Step});
  Tiles::template zero<0>();
  Tiles::template zero<1>();
  Tiles::template zero<2>();
  Tiles::template zero<3>();
  Tiles::template load<4>(values, kTileBytes);
  Tiles::template load<5>(values, kTileBytes);
  Tiles::template load<6>(values, kTileBytes);
  Tiles::template load<7>(values, kTileBytes);
  const std::int64_t turns = rounds / 16;  // each is as long as many of a vector's
  for (std::int64_t i = 0; i < turns; ++i) {
    Tiles::template multiply<0, 4, 6>();
    Tiles::template multiply<1, 4, 7>();
    Tiles::template multiply<2, 5, 6>();
    Tiles::template multiply<3, 5, 7>();
  }
  alignas(kTileBytes) float sums[kTileRows * kTileRows];
  Tiles::template store<0>(sums, kTileBytes);
  Tiles::release();
  *sink = sums[0];
  return 4.0 * 2 * kTileRows * kTileRows * kBf16Step * static_cast<double>(turns);
}

}  // namespace moe::cpu
