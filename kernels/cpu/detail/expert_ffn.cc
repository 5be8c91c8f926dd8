#include "kernels/cpu/detail/expert_ffn.h"

#include <omp.h>

#include <algorithm>
#include <cstring>

#include "kernels/cpu/detail/parallel.h"

namespace moe::cpu {
namespace {

// Blocks of rows from which on bf16 is widened once for all of them, and not by each.
constexpr std::int64_t kBlocksToWiden = 3;
constexpr std::int64_t kTasksPerThread = 16;
// The same where a task reads all rows, and these are more than stay in a cache.
constexpr std::int64_t kSumsPerThread = 3;
constexpr std::int64_t kManyRows = 256;
constexpr std::int64_t kLine = 64;
// A quarter of a second-level cache.
constexpr std::int64_t kRowBytesOfAPanel = 512 << 10;

std::int64_t panels_of_a_task(std::int64_t panels, std::int64_t chunks, std::int64_t per_thread,
                              std::int64_t most) {
  const std::int64_t wanted = per_thread * omp_get_max_threads();
  const std::int64_t some = std::clamp<std::int64_t>(panels * chunks / wanted, 1, most);
  return blocks_of(panels, blocks_of(panels, some));  // tasks of one size
}

void fetch_to_write(const void* line) { __builtin_prefetch(line, 1, 3); }

// Few rows are copied before the threads are called: it takes less time than their waiting for it.
constexpr std::int64_t kRowsCopiedAlone = 16;
constexpr std::int64_t kRowsOfAClearing = 16;

}  // namespace

// Tasks of some panels for each of `chunks` chunks.
class ExpertFfn::PanelTasks {
 public:
  // most: panels of a task.
  PanelTasks(std::int64_t chunks, std::int64_t panels, std::int64_t most,
             std::int64_t per_thread = kTasksPerThread)
      : panels_(panels),
        some_(panels_of_a_task(panels, chunks, per_thread, most)),
        tasks_of_a_chunk_(blocks_of(panels, some_)),
        tasks_(chunks * tasks_of_a_chunk_) {}

  // Tasks::run with work(chunk, panels, next chunk, its first panel).
  template <class Work>
  void run(const Work& work) {
    tasks_.run([&](std::int64_t i, std::int64_t next) {
      const std::int64_t first = i % tasks_of_a_chunk_ * some_;
      work(i / tasks_of_a_chunk_, Panels{first, std::min(some_, panels_ - first)},
           next / tasks_of_a_chunk_, next % tasks_of_a_chunk_ * some_);
    });
  }

 private:
  std::int64_t panels_;
  std::int64_t some_;
  std::int64_t tasks_of_a_chunk_;
  Tasks tasks_;
};

void ExpertFfn::prepare(const MoeShape& shape, const ExpertWeights& weights, std::int64_t rows,
                        const MicroKernels& kernels) {
  shape_ = shape;
  kernels_ = &kernels;
  weights_ = shared_packed_weights(shape, weights);
  row_depth_ = blocks_of(shape.hidden, kDepthStep) * kDepthStep;
  hidden_depth_ = blocks_of(shape.ffn, kDepthStep) * kDepthStep;
  bf16_rows_ = shape.dtype == DType::kBf16 && kernels_->native_bf16.product != nullptr;
  blocking_ = bf16_rows_ ? kernels_->native_bf16.blocking : Blocking{};
  const std::int64_t block_rows = bf16_rows_ ? kernels_->native_bf16.rows : kernels_->rows;
  const bool tall = shape.dtype == DType::kBf16 && !bf16_rows_;
  make_room(blocking_.level ? RowBlocks::heights(rows, block_rows) : rows);
  cut_.reserve(
      rows, shape.experts,
      {block_rows, tall ? kernels_->tall_rows : block_rows, blocking_.chunk_rows, blocking_.level});
}

// What the begin of a piece is a multiple of.
std::int64_t ExpertFfn::piece_step() const {
  return bf16_rows_ ? kBf16Step : depth_step(weights_->dtype);
}

// tile = a block's rows * a piece of a panel, or tile += where the piece is not the first. rows:
// those of all blocks, in f32.
void ExpertFfn::multiply_piece(const RowBlock& block, const PanelMatrix& matrix, const float* rows,
                               const Piece& piece, float* tile, Ahead ahead, Ahead rows_ahead,
                               const Meanwhile& meanwhile) const {
  if (bf16_rows_) {
    kernels_->native_bf16.product(narrow_rows_of(block, matrix, piece.begin), block.height,
                                  piece.weights, piece.depth, tile, piece.begin > 0, ahead,
                                  rows_ahead, meanwhile);
    return;
  }
  if (is_integer(weights_->dtype)) return multiply_integers(block, matrix, piece, tile, ahead);
  const std::int64_t first = block.place * matrix.depth + piece.begin * block.rows;
  const bool wide = weights_->dtype == DType::kF32;
  const Product product = wide ? kernels_->f32[block.rows - 1] : kernels_->bf16[block.rows - 1];
  product(rows + first, piece.weights, piece.depth, tile, piece.begin > 0, ahead, rows_ahead);
}

// The same for whole numbers.
void ExpertFfn::multiply_integers(const RowBlock& block, const PanelMatrix& matrix,
                                  const Piece& piece, float* tile, Ahead ahead) const {
  const std::int64_t first = block.place * narrow_depth(matrix.depth) + piece.begin * block.rows;
  const bool more = piece.begin > 0;
  const bool whole_column = weights_->dtype == DType::kInt8;  // has one scale, behind the panel
  const auto& products = whole_column ? kernels_->int8 : kernels_->int4;
  const bool last = piece.begin + piece.depth == matrix.depth;
  const char* const end = piece.weights + panel_bytes(weights_->dtype, piece.depth);
  products[block.rows - 1](
      {narrow_rows_.as<std::int16_t>() + first, scales_.as<float>() + block.place}, piece.weights,
      last && whole_column ? reinterpret_cast<const float*>(end) : nullptr, piece.depth, tile, more,
      ahead);
}

// The same for bf16, of which the first block of a piece leaves f32 for the others.
void ExpertFfn::multiply_widened(const RowBlock& block, const PanelMatrix& matrix,
                                 const float* rows, const Piece& piece, float* tile, Ahead ahead,
                                 Ahead rows_ahead, Widened to) const {
  rows += block.place * matrix.depth + piece.begin * block.rows;
  const bool more = piece.begin > 0;
  if (to.first) {
    kernels_->bf16_to_f32[block.rows - 1](rows, piece.weights, piece.depth, tile, more, ahead,
                                          rows_ahead, to.values);
  } else {
    kernels_->f32[block.rows - 1](rows, to.values, piece.depth, tile, more, ahead, rows_ahead);
  }
}

// The tiles of a chunk and some panels. Each is handed to sink(block, panel, tile, first, rows)
// once it is complete, which expect(block, panel) announces: all its rows at once, or, where an
// instruction multiplies bf16, a few at a time while the next tile is multiplied. rows: those of
// all blocks, in f32.
template <class Expect, class Sink>
void ExpertFfn::multiply(const RowChunk& chunk, const PanelMatrix& matrix, const float* rows,
                         Panels panels, const Next& next, const Expect& expect,
                         const Sink& sink) const {
  alignas(kLine) float tiles[kMostSums];
  alignas(kLine) float widened[Blocking{}.piece_bytes / sizeof(std::uint16_t)];
  const std::span<const RowBlock> blocks(&cut_.blocks[chunk.first], chunk.blocks);
  const std::int64_t step_bytes = panel_bytes(weights_->dtype, kDepthStep);
  // Pieces of one size, as far as steps allow: after a short one little would be fetched ahead.
  const std::int64_t step = piece_step();
  const std::int64_t most_steps = blocking_.piece_bytes / panel_bytes(weights_->dtype, step);
  const std::int64_t steps = blocks_of(matrix.depth, step);
  const std::int64_t deepest = blocks_of(steps, blocks_of(steps, most_steps)) * step;
  const std::int32_t expert = blocks[0].expert;
  // A single block reads no weights twice: its panels are multiplied one after the other, as they
  // lie in memory. Several, or one whose rows would not stay in the cache from panel to panel, read
  // all panels to one depth first.
  const char* const first_row = rows_of(blocks[0], matrix, 0);
  const std::int64_t row_bytes = rows_of(blocks[0], matrix, matrix.depth) - first_row;
  const bool alone = blocks.size() == 1 && row_bytes <= kRowBytesOfAPanel;
  const bool widen = weights_->dtype == DType::kBf16 && !bf16_rows_ &&
                     kernels_->bf16_to_f32[0] != nullptr && std::ssize(blocks) >= kBlocksToWiden;
  const std::int64_t pieces = blocks_of(matrix.depth, deepest);
  const bool interleaved = !alone && pieces > 1;  // all panels' sums are wanted at once
  struct Finished {
    const Sink* sink;
    const RowBlock* block;
    std::int64_t panel;
    const float* tile;
  } finished{};
  const auto some = [](const void* what, std::int64_t first, std::int64_t count) {
    const auto& f = *static_cast<const Finished*>(what);
    (*f.sink)(*f.block, f.panel, f.tile, first, count);
  };
  Meanwhile meanwhile{some, &finished, 0};
  for (std::int64_t i = 0; i < pieces * panels.count; ++i) {
    const std::int64_t p = alone ? i / pieces : i % panels.count;
    const auto begin_of = [&](std::int64_t n) {
      return (alone ? n % pieces : n / panels.count) * deepest;
    };
    const auto piece = [&](std::int64_t n) {
      const std::int64_t of = alone ? n / pieces : n % panels.count;
      return matrix.panel(expert, panels.first + of) + panel_bytes(weights_->dtype, begin_of(n));
    };
    const std::int64_t k = begin_of(i);
    const std::int64_t depth = std::min(deepest, matrix.depth - k);
    const bool last = k + depth == matrix.depth;
    const Piece whole{piece(i), k, depth};
    Ahead ahead{i + 1 < pieces * panels.count ? piece(i + 1) : next.weights,
                step_bytes / std::ssize(blocks)};
    float* tile = tiles + (interleaved ? p : p % 2) * chunk.rows * kPanelColumns;
    for (std::int64_t b = 0; b < std::ssize(blocks); ++b) {
      const RowBlock& block = blocks[b];
      Ahead rows_ahead;
      if (!alone && !is_integer(weights_->dtype)) {
        if (last) expect(block, panels.first + p);
        rows_ahead = rows_after(chunk, b, matrix, k + depth, deepest, next);
        rows_ahead.bytes /= panels.count * depth / kDepthStep;
        rows_ahead.from += p * rows_ahead.bytes * (depth / kDepthStep);
      }
      if (widen) {
        multiply_widened(block, matrix, rows, whole, tile, ahead, rows_ahead, {widened, b == 0});
      } else {
        multiply_piece(block, matrix, rows, whole, tile, ahead, rows_ahead, meanwhile);
      }
      meanwhile.rows = 0;
      if (last && bf16_rows_) {
        finished = {&sink, &block, panels.first + p, tile};
        meanwhile.rows = block.height;
      } else if (last) {
        sink(block, panels.first + p, tile, 0, block.rows);
      }
      tile += block.height * kPanelColumns;
      ahead.from += ahead.bytes * (depth / kDepthStep);
    }
  }
  if (meanwhile.rows > 0) some(&finished, 0, meanwhile.rows);
}

// All of the rows in a block's place that are multiplied once `depth` is done.
Ahead ExpertFfn::rows_after(const RowChunk& chunk, std::int64_t b, const PanelMatrix& matrix,
                            std::int64_t depth, std::int64_t deepest, const Next& next) const {
  const RowChunk* of = &chunk;
  if (depth == matrix.depth) {
    of = next.chunk;
    depth = 0;
  }
  if (of == nullptr || b >= of->blocks) return {};
  const RowBlock& block = cut_.blocks[of->first + b];
  const char* const from = rows_of(block, matrix, depth);
  return {from, rows_of(block, matrix, std::min(depth + deepest, matrix.depth)) - from};
}

void ExpertFfn::gate_and_up(const RowChunk& chunk, Panels panels, const Next& next) {
  multiply(
      chunk, weights_->gate_up, rows_.as<float>(), panels, next,
      [&](const RowBlock& block, std::int64_t panel) {
        const std::int64_t step = panel * kDepthStep / piece_step();
        const char* const hidden = rows_of(block, weights_->down, step * piece_step());
        for (std::int64_t r = 0; r < block.height; ++r) fetch_to_write(hidden + r * kLine);
      },
      [&](const RowBlock& block, std::int64_t panel, const float* tile, std::int64_t first,
          std::int64_t rows) {
        tile += first * kPanelColumns;
        if (bf16_rows_) {
          std::uint16_t* const hidden = hidden_of(block, panel) + first * kBf16Step;
          return kernels_->native_bf16.swiglu(tile, rows, hidden);
        }
        float* const hidden = hidden_.as<float>() + block.place * hidden_depth_;
        kernels_->swiglu(tile, rows, hidden + (panel * block.rows + first) * kDepthStep);
      });
}

void ExpertFfn::down_to_rows(const RowChunk& chunk, Panels panels, const Next& next,
                             MatrixView<float> out) {
  const auto ignore = [](const RowBlock&, std::int64_t) {};
  multiply(chunk, weights_->down, hidden_.as<float>(), panels, next, ignore,
           [&](const RowBlock& block, std::int64_t panel, const float* tile, std::int64_t first,
               std::int64_t rows) {
             const std::int64_t column = panel * kPanelColumns;
             const std::int64_t columns = std::min(kPanelColumns, shape_.hidden - column);
             for (std::int64_t r = first; r < std::min(first + rows, block.rows); ++r) {
               std::memcpy(out.row(block.begin + r).data() + column, tile + r * kPanelColumns,
                           static_cast<std::size_t>(columns) * sizeof(float));
             }
           });
}

// next_panel: the first of this thread's next panels, or -1.
void ExpertFfn::down_to_sum(Panels panels, std::int64_t next_panel, const WeightedSum& sum) {
  for (std::int64_t i = 0; i < std::ssize(cut_.chunks); ++i) {
    const bool last = i + 1 == std::ssize(cut_.chunks);
    Next next;
    if (!last) next = next_of(weights_->down, i + 1, panels.first);
    if (last && next_panel >= 0) next = next_of(weights_->down, 0, next_panel);
    multiply(
        cut_.chunks[i], weights_->down, hidden_.as<float>(), panels, next,
        [&](const RowBlock& block, std::int64_t panel) {
          for (std::int64_t r = 0; r < block.rows; ++r) {
            const std::int32_t token = sum.token[block.begin + r];
            if (token < 0) continue;
            const float* const to = sum.y.row(token).data() + panel * kPanelColumns;
            fetch_to_write(to);
            fetch_to_write(to + kPanelColumns / 2);
          }
        },
        [&](const RowBlock& block, std::int64_t panel, const float* tile, std::int64_t first,
            std::int64_t rows) {
          if (first >= block.rows) return;
          const std::int64_t column = panel * kPanelColumns;
          const std::int64_t columns = std::min(kPanelColumns, shape_.hidden - column);
          const std::int64_t row = block.begin + first;
          kernels_->add_tile(
              {sum.y.data + column, sum.y.stride, columns, &sum.token[row], &sum.weight[row]},
              tile + first * kPanelColumns, std::min(rows, block.rows - first));
        });
  }
}

// A chunk and one of its panels; nothing beyond the last chunk.
ExpertFfn::Next ExpertFfn::next_of(const PanelMatrix& matrix, std::int64_t chunk,
                                   std::int64_t panel) const {
  if (chunk >= std::ssize(cut_.chunks)) return {};
  const RowChunk& next = cut_.chunks[chunk];
  return {matrix.panel(cut_.blocks[next.first].expert, panel), &next};
}

ExpertFfn::Next ExpertFfn::next_by_size(const PanelMatrix& matrix, std::int64_t place,
                                        std::int64_t panel) const {
  if (place >= std::ssize(cut_.by_size)) return {};
  return next_of(matrix, cut_.by_size[place], panel);
}

// A task has the more panels, the fewer rows it has.
std::int64_t ExpertFfn::most_panels() const {
  if (cut_.chunks.empty()) return 1;
  const std::int64_t rows = cut_.chunks[cut_.by_size[0]].rows;
  return std::min(blocking_.panels, kMostSums / (rows * kPanelColumns));
}

// y: to be zero before the last pass. down(): that pass, called by every thread.
template <class Down>
void ExpertFfn::run_passes(const RowSource& from, MatrixView<float> y, const Down& down) {
  const std::int64_t blocks = std::ssize(cut_.blocks);
  const std::int64_t first_tasks = blocks + blocks_of(y.rows, kRowsOfAClearing);
  const auto first_task = [&](std::int64_t i) {
    if (i < blocks) return copy_rows(cut_.blocks[i], from);
    const std::int64_t row = (i - blocks) * kRowsOfAClearing;
    for (std::int64_t t = row; t < std::min(row + kRowsOfAClearing, y.rows); ++t) {
      std::ranges::fill(y.row(t), 0.0F);
    }
  };
  const bool few = cut_.rows <= kRowsCopiedAlone;
  if (few) {
    for (std::int64_t i = 0; i < first_tasks; ++i) first_task(i);
  }
  Tasks firsts(few ? 0 : first_tasks);
  PanelTasks gate_up(std::ssize(cut_.chunks), weights_->gate_up.panels, most_panels());
  Tasks roundings(std::ssize(cut_.blocks));
#pragma omp parallel
  {
    firsts.run([&](std::int64_t i, std::int64_t) { first_task(i); });
    if (!few) {
#pragma omp barrier
    }
    gate_up.run([&](std::int64_t place, Panels panels, std::int64_t next, std::int64_t panel) {
      gate_and_up(cut_.chunks[cut_.by_size[place]], panels,
                  next_by_size(weights_->gate_up, next, panel));
    });
#pragma omp barrier
    if (is_integer(shape_.dtype)) {
      roundings.run([&](std::int64_t i, std::int64_t) {
        round_rows(cut_.blocks[i], hidden_.as<float>(), hidden_depth_);
      });
#pragma omp barrier
    }
    down();
    if (bf16_rows_ && kernels_->native_bf16.finish != nullptr) kernels_->native_bf16.finish();
  }
}

void ExpertFfn::run(std::span<const RowGroup> groups, const RowSource& from,
                    MatrixView<float> out) {
  cut_.list(groups);
  PanelTasks tasks(std::ssize(cut_.chunks), weights_->down.panels, most_panels());
  run_passes(from, {}, [&] {
    tasks.run([&](std::int64_t place, Panels panels, std::int64_t next, std::int64_t panel) {
      down_to_rows(cut_.chunks[cut_.by_size[place]], panels,
                   next_by_size(weights_->down, next, panel), out);
    });
  });
}

void ExpertFfn::run(std::span<const RowGroup> groups, const RowSource& from,
                    const WeightedSum& sum) {
  cut_.list(groups);
  PanelTasks tasks(1, weights_->down.panels, most_panels(),
                   cut_.rows < kManyRows ? kTasksPerThread : kSumsPerThread);
  run_passes(from, sum.y, [&] {
    tasks.run([&](std::int64_t, Panels panels, std::int64_t next, std::int64_t panel) {
      down_to_sum(panels, next > 0 ? -1 : panel, sum);
    });
  });
}

std::int64_t ExpertFfn::workspace_bytes() const {
  return weights_->bytes() +
         static_cast<std::int64_t>(
             rows_.bytes() + hidden_.bytes() + narrow_rows_.bytes() + narrow_hidden_.bytes() +
             scales_.bytes() + cut_.blocks.capacity() * sizeof(RowBlock) +
             cut_.chunks.capacity() * (sizeof(RowChunk) + sizeof(std::int64_t)));
}

}  // namespace moe::cpu
