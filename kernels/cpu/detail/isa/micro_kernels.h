#pragma once
#include <array>
#include <cstdint>

#include "kernels/cpu/detail/isa/isa.h"

namespace moe::cpu {

// What the micro-kernels work on. All instruction sets share these layouts.
//
// Panel: 32 columns of weights, depth first. f32: [K][32]. bf16: [K / 2][32][2], so that the two
// values of a 32-bit word are widened to f32 by a shift and by a mask.
// Rows: up to `MicroKernels::rows` rows of f32, [K / 16][rows][16]: the kernel walks through them
// in one stream, whatever the distance of the rows was, and a row is copied by cache lines.
// Tile: the product of both, [rows][32] in f32.
//
// Panel of whole numbers: int8: [K / 4][32] words of 32 bits, each 4 values of depth of one column.
// Value i of a word is bits 16 * (i % 2) + 8 * (i / 2) and up: a shift or two make of it two values
// of 16 bits that are neighbours in depth, as the rows have them.
// int4: a step of 64 of depth is the scales of its two groups of 32, [2][32] bytes, then both
// groups, [2][K / 8][32] such words of 8 values, 4 bits each. A scale's byte is the exponent of
// f32.
// Rows of whole numbers: [K / 32][rows][32] of 16 bits, each row in units of a scale of its own.
//
// Rows of bf16: [K / 32][rows][32]; half of the last step stays unused where K is no multiple
// of 32.
inline constexpr std::int64_t kPanelColumns = 32;
inline constexpr std::int64_t kDepthStep = 16;     // K is padded to a multiple of it, with zeros
inline constexpr std::int64_t kBf16Step = 32;      // of rows of bf16
inline constexpr std::int64_t kIntegerStep = 64;   // the same, of panels of whole numbers
inline constexpr std::int64_t kIntegerGroup = 32;  // depth that is summed up in whole numbers
inline constexpr std::int64_t kInt4ScaleBytes = kIntegerStep / kIntegerGroup * kPanelColumns;
inline constexpr std::int64_t kInt4GroupBytes = kIntegerGroup * kPanelColumns / 2;
inline constexpr std::int64_t kMostRows = 14;
inline constexpr std::int64_t kMostTallRows = 23;

// The depth that rows of 16 bits are stored with.
constexpr std::int64_t narrow_depth(std::int64_t depth) {
  return (depth + kBf16Step - 1) / kBf16Step * kBf16Step;
}

// Weights that will be wanted soon, fetched while others are multiplied, `bytes` of them for each
// kDepthStep of depth: a step at a time, since a burst of them would hold up the loads that are
// due.
struct Ahead {
  const char* from = nullptr;  // nullptr: none
  std::int64_t bytes = 0;
};

// tile = rows * panel, or tile += rows * panel. rows_ahead: as `ahead`, of the rows that will be
// wanted soon.
using Product = void (*)(const float* rows, const void* panel, std::int64_t depth, float* tile,
                         bool accumulate, Ahead ahead, Ahead rows_ahead);

// The same, and the panel is left in `widened` as f32, [depth][32], for other rows.
using WideningProduct = void (*)(const float* rows, const void* panel, std::int64_t depth,
                                 float* tile, bool accumulate, Ahead ahead, Ahead rows_ahead,
                                 float* widened);

// Rows of an earlier tile that some(what, first row, rows) makes use of. A product of tiles leaves
// the vectors idle, so a few rows are done after each of its steps; all are when it returns.
struct Meanwhile {
  void (*some)(const void* what, std::int64_t first, std::int64_t rows) = nullptr;
  const void* what = nullptr;
  std::int64_t rows = 0;
};

// The same of m rows of bf16 and a panel of bf16.
using Bf16Product = void (*)(const std::uint16_t* rows, std::int64_t m, const void* panel,
                             std::int64_t depth, float* tile, bool accumulate, Ahead ahead,
                             Ahead rows_ahead, const Meanwhile& meanwhile);

// How much of a layer is multiplied at once.
struct Blocking {
  // Of a panel: it stays in a cache for the next rows, and what comes after it is fetched
  // meanwhile.
  std::int64_t piece_bytes = 64 << 10;
  // Rows that are multiplied together: a piece's depth of all of them stays in the second-level
  // cache. No weight is read twice for them.
  std::int64_t chunk_rows = 252;
  // Panels of one task: enough that weights are read in long streams, few enough that there are
  // tasks for all threads to the end.
  std::int64_t panels = 8;
  bool level = false;  // the blocks of an expert shall all have the same number of rows
};
// The most sums of a task: of fewer rows it has more panels.
inline constexpr std::int64_t kMostSums = 16 * 512 * kPanelColumns;

// For instructions that multiply bf16 by bf16: rows are rounded to it.
struct Bf16Kernels {
  std::int64_t rows = 0;  // the most rows of one call
  Blocking blocking = {};
  Bf16Product product = nullptr;
  // To be called by a thread that will not call `product` again soon; nullptr: no need.
  void (*finish)() = nullptr;
  // One row of `depth` values to steps that are `rows` apart, zeros up to a multiple of kDepthStep.
  void (*to_bf16)(const float* from, std::int64_t depth, std::int64_t rows,
                  std::uint16_t* values) = nullptr;
  // MicroKernels::swiglu with rounded results: 16 of each row, rows kBf16Step apart.
  void (*swiglu)(const float* tile, std::int64_t rows, std::uint16_t* hidden) = nullptr;
  // MicroKernels::multiply_add by this instruction.
  double (*multiply_add)(std::int64_t rounds, float* sink) = nullptr;
};

struct IntegerRows {
  const std::int16_t* values;
  const float* scale;  // [rows], powers of two
};

// The same for rows and a panel of whole numbers. column_scale: [32], powers of two that the tile
// is multiplied by in the end, or nullptr.
using IntegerProduct = void (*)(IntegerRows rows, const void* panel, const float* column_scale,
                                std::int64_t depth, float* tile, bool accumulate, Ahead ahead);

// Some columns of rows that tiles are added to.
struct TileSum {
  float* y;  // the first of these columns, of row 0
  std::int64_t stride;
  std::int64_t columns;       // at most 32
  const std::int32_t* token;  // [rows], the row of y; < 0: the tile's row goes nowhere
  const float* weight;        // [rows]
};

struct MicroKernels {
  Isa isa;
  std::int64_t rows;                   // the most rows of one call
  std::int64_t tall_rows;              // the same of bf16
  std::array<Product, kMostRows> f32;  // f32[m - 1] multiplies m rows
  // The same, for up to `tall_rows`: each vector of weights is widened once for all of them.
  std::array<Product, kMostTallRows> bf16;
  // Null where it takes no longer that every block of rows widens for itself.
  std::array<WideningProduct, kMostRows> bf16_to_f32;
  std::array<IntegerProduct, kMostRows> int8;
  std::array<IntegerProduct, kMostRows> int4;
  // Rounds rows to whole numbers of 16 bits: of each the smallest power of two with which its
  // largest value fits becomes scale[r], but at least 2^-126. A row with an infinity or a NaN gets
  // a scale of NaN. `depth` is that of `from`; `values` is filled up to a multiple of kIntegerStep.
  void (*to_integers)(const float* from, std::int64_t rows, std::int64_t depth,
                      std::int16_t* values, float* scale);
  // hidden[r][c] = silu(tile[r][c]) * tile[r][16 + c]: gate and up stand side by side in a panel.
  // hidden: [rows][16], a step of what the next product reads.
  void (*swiglu)(const float* tile, std::int64_t rows, float* hidden);
  // sum.y[token[r]][c] += weight[r] * tile[r][c] for all rows r and c < sum.columns.
  void (*add_tile)(const TileSum& sum, const float* tile, std::int64_t rows);

  // All null but where an instruction multiplies bf16 by bf16.
  Bf16Kernels native_bf16 = {};

  // For the ceilings. As many multiplications and additions as the processor can do, on registers
  // alone; returns how many, and writes to `sink` what they came to.
  double (*multiply_add)(std::int64_t rounds, float* sink);
  // Reads n floats (a multiple of 1024) in four streams, with what is wanted next fetched ahead.
  // Returns their sum.
  float (*read)(const float* from, std::int64_t n);
};

// The kernels of one instruction set; it must be among available_isas().
const MicroKernels& micro_kernels(Isa isa);

extern const MicroKernels kScalarKernels;
extern const MicroKernels kAvx2Kernels;
extern const MicroKernels kAvx512Kernels;
extern const MicroKernels kAvx512VnniKernels;

// What these instruction sets have beyond AVX-512 with VNNI.
extern const Bf16Kernels kAvx512Bf16Kernels;
extern const Bf16Kernels kAmxBf16Kernels;

}  // namespace moe::cpu
