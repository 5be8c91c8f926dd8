#include "kernels/cpu/detail/expert_ffn.h"

#include <omp.h>

#include <algorithm>
#include <cstring>

#include "kernels/cpu/detail/parallel.h"

namespace moe::cpu {
namespace {

// Of a panel, what is multiplied at once: it stays in the second-level cache for the next rows, and
// the piece after it is fetched there meanwhile.
constexpr std::int64_t kPieceBytes = 64 << 10;
// Blocks of rows from which on bf16 is widened once for all of them, and not by each.
constexpr std::int64_t kBlocksToWiden = 3;
// Panels of one task: enough that weights are read in long streams, few enough that there are tasks
// for all threads to the end.
constexpr std::int64_t kMostPanels = 8;
constexpr std::int64_t kTasksPerThread = 16;
// The same where a task reads all rows, and these are more than stay in a cache.
constexpr std::int64_t kSumsPerThread = 3;
constexpr std::int64_t kManyRows = 256;
constexpr std::int64_t kLine = 64;

std::int64_t panels_of_a_task(std::int64_t panels, std::int64_t chunks, std::int64_t per_thread) {
  const std::int64_t wanted = per_thread * omp_get_max_threads();
  return std::clamp<std::int64_t>(panels * chunks / wanted, 1, kMostPanels);
}

// The depth of rows of 16 bits.
std::int64_t narrow_depth(std::int64_t depth) { return blocks_of(depth, kBf16Step) * kBf16Step; }

// Few rows are copied before the threads are called: it takes less time than their waiting for it.
constexpr std::int64_t kRowsCopiedAlone = 16;

}  // namespace

// Tasks of some panels for each of `chunks` chunks.
class ExpertFfn::PanelTasks {
 public:
  PanelTasks(std::int64_t chunks, std::int64_t panels, std::int64_t per_thread = kTasksPerThread)
      : panels_(panels),
        some_(panels_of_a_task(panels, chunks, per_thread)),
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
  make_room(rows);
  cut_.reserve(rows, shape.experts, bf16_rows_ ? kernels_->native_bf16.rows : kernels_->rows);
}

void ExpertFfn::make_room(std::int64_t rows) {
  const auto wide = [rows](std::int64_t depth) {
    return PageBuffer(static_cast<std::size_t>(rows * depth) * sizeof(float));
  };
  const std::int64_t gate_up_depth = narrow_depth(weights_->gate_up.depth);
  const std::int64_t down_depth = narrow_depth(weights_->down.depth);
  const auto narrow = [rows](std::int64_t depth) {
    return PageBuffer(static_cast<std::size_t>(rows * depth) * sizeof(std::uint16_t));
  };
  rows_ = wide(row_depth_);
  if (!bf16_rows_) hidden_ = wide(hidden_depth_);
  if (is_integer(shape_.dtype)) {
    narrow_rows_ = narrow(std::max(gate_up_depth, down_depth));
    scales_ = wide(1);
  }
  if (bf16_rows_) {
    narrow_rows_ = narrow(gate_up_depth);
    narrow_hidden_ = narrow(down_depth);
  }
  for (const PageBuffer* b : {&rows_, &hidden_, &narrow_rows_, &narrow_hidden_, &scales_}) {
    b->touch();
  }
}

void ExpertFfn::copy_rows(const RowBlock& block, const RowSource& from) {
  const std::int64_t whole = shape_.hidden / kDepthStep * kDepthStep;
  const std::int64_t apart = block.rows;  // steps of the other rows lie between those of one
  for (std::int64_t r = 0; r < block.rows; ++r) {
    float* const to = rows_.as<float>() + block.begin * row_depth_ + r * kDepthStep;
    const std::int64_t row = block.begin + r;
    const std::int64_t token = from.token.empty() ? row : from.token[row];
    const float* const values = token < 0 ? nullptr : from.x.row(token).data();
    for (std::int64_t k = 0; k < row_depth_; k += kDepthStep) {
      if (values == nullptr || k == whole) std::memset(to + k * apart, 0, kLine);
      if (values == nullptr) continue;
      const std::int64_t some = std::min(kDepthStep, shape_.hidden - k);
      std::memcpy(to + k * apart, values + k, static_cast<std::size_t>(some) * sizeof(float));
    }
  }
  if (is_integer(shape_.dtype)) round_rows(block, rows_.as<float>(), row_depth_);
  if (bf16_rows_) {
    kernels_->native_bf16.to_bf16(
        rows_.as<float>() + block.begin * row_depth_, block.rows, row_depth_,
        narrow_rows_.as<std::uint16_t>() + block.begin * narrow_depth(row_depth_));
  }
}

// To whole numbers. rows: [rows][depth], block by block.
void ExpertFfn::round_rows(const RowBlock& block, const float* rows, std::int64_t depth) {
  const std::int64_t step = depth_step(shape_.dtype);
  const std::int64_t begin = block.begin * blocks_of(depth, step) * step;
  kernels_->to_integers(rows + block.begin * depth, block.rows, depth,
                        narrow_rows_.as<std::int16_t>() + begin, scales_.as<float>() + block.begin);
}

// What the begin of a piece is a multiple of.
std::int64_t ExpertFfn::piece_step() const {
  return bf16_rows_ ? kBf16Step : depth_step(weights_->dtype);
}

// tile = a block's rows * a piece of a panel, or tile += where the piece is not the first. rows:
// those of all blocks, in f32.
void ExpertFfn::multiply_piece(const RowBlock& block, const PanelMatrix& matrix, const float* rows,
                               const Piece& piece, float* tile, Ahead ahead) const {
  if (bf16_rows_ || is_integer(weights_->dtype)) {
    return multiply_narrow(block, matrix, piece, tile, ahead);
  }
  const std::int64_t first = block.begin * matrix.depth + piece.begin * block.rows;
  const auto& products = weights_->dtype == DType::kF32 ? kernels_->f32 : kernels_->bf16;
  products[block.rows - 1](rows + first, piece.weights, piece.depth, tile, piece.begin > 0, ahead);
}

// The same for rows of 16 bits.
void ExpertFfn::multiply_narrow(const RowBlock& block, const PanelMatrix& matrix,
                                const Piece& piece, float* tile, Ahead ahead) const {
  const std::int64_t first = block.begin * narrow_depth(matrix.depth) + piece.begin * block.rows;
  const bool more = piece.begin > 0;
  if (bf16_rows_) {
    const PageBuffer& rows = &matrix == &weights_->down ? narrow_hidden_ : narrow_rows_;
    kernels_->native_bf16.product(rows.as<std::uint16_t>() + first, block.rows, piece.weights,
                                  piece.depth, tile, more, ahead);
    return;
  }
  const bool whole_column = weights_->dtype == DType::kInt8;  // has one scale, behind the panel
  const auto& products = whole_column ? kernels_->int8 : kernels_->int4;
  const bool last = piece.begin + piece.depth == matrix.depth;
  const char* const end = piece.weights + panel_bytes(weights_->dtype, piece.depth);
  products[block.rows - 1](
      {narrow_rows_.as<std::int16_t>() + first, scales_.as<float>() + block.begin}, piece.weights,
      last && whole_column ? reinterpret_cast<const float*>(end) : nullptr, piece.depth, tile, more,
      ahead);
}

// The same for bf16, of which the first block of a piece leaves f32 for the others.
void ExpertFfn::multiply_widened(const RowBlock& block, const PanelMatrix& matrix,
                                 const float* rows, const Piece& piece, float* tile, Ahead ahead,
                                 Widened to) const {
  rows += block.begin * matrix.depth + piece.begin * block.rows;
  const bool more = piece.begin > 0;
  if (to.first) {
    kernels_->bf16_to_f32[block.rows - 1](rows, piece.weights, piece.depth, tile, more, ahead,
                                          to.values);
  } else {
    kernels_->f32[block.rows - 1](rows, to.values, piece.depth, tile, more, ahead);
  }
}

// The tiles of a chunk and some panels, each handed to sink(block, panel, tile) once it is
// complete. next: the weights that this thread multiplies with after these, or nullptr.
template <class Sink>
void ExpertFfn::multiply(const RowChunk& chunk, const PanelMatrix& matrix, const float* rows,
                         Panels panels, const char* next, const Sink& sink) const {
  alignas(kLine) float tiles[kMostPanels * RowBlocks::kChunkRows * kPanelColumns];
  alignas(kLine) float widened[kPieceBytes / sizeof(std::uint16_t)];
  const std::span<const RowBlock> blocks(&cut_.blocks[chunk.first], chunk.blocks);
  const std::int64_t step_bytes = panel_bytes(weights_->dtype, kDepthStep);
  // Pieces of one size, as far as steps allow: after a short one little would be fetched ahead.
  const std::int64_t step = piece_step();
  const std::int64_t most_steps = kPieceBytes / panel_bytes(weights_->dtype, step);
  const std::int64_t steps = blocks_of(matrix.depth, step);
  const std::int64_t deepest = blocks_of(steps, blocks_of(steps, most_steps)) * step;
  const std::int32_t expert = blocks[0].expert;
  // A single block reads nothing twice: its panels are multiplied one after the other, as they lie
  // in memory. Several read all panels to one depth first, so that their rows stay in the cache.
  const bool alone = blocks.size() == 1;
  const bool widen =
      weights_->dtype == DType::kBf16 && !bf16_rows_ && std::ssize(blocks) >= kBlocksToWiden;
  const std::int64_t pieces = blocks_of(matrix.depth, deepest);
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
    Ahead ahead{i + 1 < pieces * panels.count ? piece(i + 1) : next,
                step_bytes / std::ssize(blocks)};
    float* tile = tiles + p * chunk.rows * kPanelColumns;
    for (const RowBlock& block : blocks) {
      const Piece whole{piece(i), k, depth};
      if (widen) {
        const bool first = &block == blocks.data();
        multiply_widened(block, matrix, rows, whole, tile, ahead, {widened, first});
      } else {
        multiply_piece(block, matrix, rows, whole, tile, ahead);
      }
      if (k + depth == matrix.depth) sink(block, panels.first + p, tile);
      tile += block.rows * kPanelColumns;
      ahead.from += ahead.bytes * (depth / kDepthStep);
    }
  }
}

void ExpertFfn::gate_and_up(const RowChunk& chunk, Panels panels, const char* next) {
  multiply(chunk, weights_->gate_up, rows_.as<float>(), panels, next,
           [&](const RowBlock& block, std::int64_t panel, const float* tile) {
             write_hidden(block, panel, tile);
           });
}

void ExpertFfn::write_hidden(const RowBlock& block, std::int64_t panel, const float* tile) {
  if (bf16_rows_) {
    const std::int64_t k = panel * kDepthStep;
    const std::int64_t first = block.begin * narrow_depth(hidden_depth_);
    const std::int64_t step = k / kBf16Step * kBf16Step * block.rows + k % kBf16Step;
    kernels_->native_bf16.swiglu(tile, block.rows,
                                 narrow_hidden_.as<std::uint16_t>() + first + step);
    return;
  }
  float* const hidden = hidden_.as<float>() + block.begin * hidden_depth_;
  kernels_->swiglu(tile, block.rows, hidden + panel * block.rows * kDepthStep);
}

void ExpertFfn::down_to_rows(const RowChunk& chunk, Panels panels, const char* next,
                             MatrixView<float> out) {
  multiply(chunk, weights_->down, hidden_.as<float>(), panels, next,
           [&](const RowBlock& block, std::int64_t panel, const float* tile) {
             const std::int64_t column = panel * kPanelColumns;
             const std::int64_t columns = std::min(kPanelColumns, shape_.hidden - column);
             for (std::int64_t r = 0; r < block.rows; ++r) {
               std::memcpy(out.row(block.begin + r).data() + column, tile + r * kPanelColumns,
                           static_cast<std::size_t>(columns) * sizeof(float));
             }
           });
}

void ExpertFfn::down_to_sum(Panels panels, const char* next, const WeightedSum& sum) {
  const std::int64_t begin = panels.first * kPanelColumns;
  const std::int64_t end = std::min(shape_.hidden, begin + panels.count * kPanelColumns);
  for (std::int64_t t = 0; t < sum.y.rows; ++t) {
    std::memset(sum.y.row(t).data() + begin, 0,
                static_cast<std::size_t>(end - begin) * sizeof(float));
  }
  for (std::int64_t i = 0; i < std::ssize(cut_.chunks); ++i) {
    const bool last = i + 1 == std::ssize(cut_.chunks);
    multiply(cut_.chunks[i], weights_->down, hidden_.as<float>(), panels,
             last ? next : weights_of(weights_->down, i + 1, panels.first),
             [&](const RowBlock& block, std::int64_t panel, const float* tile) {
               const std::int64_t column = panel * kPanelColumns;
               const std::int64_t columns = std::min(kPanelColumns, shape_.hidden - column);
               for (std::int64_t r = 0; r < block.rows; ++r) {
                 const std::int64_t row = block.begin + r;
                 if (sum.token[row] < 0) continue;
                 kernels_->add_scaled(sum.y.row(sum.token[row]).data() + column,
                                      tile + r * kPanelColumns, sum.weight[row], columns);
               }
             });
  }
}

// What a task of this chunk and panel begins to read; nullptr beyond the last chunk.
const char* ExpertFfn::weights_of(const PanelMatrix& matrix, std::int64_t chunk,
                                  std::int64_t panel) const {
  if (chunk >= std::ssize(cut_.chunks)) return nullptr;
  return matrix.panel(cut_.blocks[cut_.chunks[chunk].first].expert, panel);
}

const char* ExpertFfn::weights_by_size(const PanelMatrix& matrix, std::int64_t place,
                                       std::int64_t panel) const {
  if (place >= std::ssize(cut_.by_size)) return nullptr;
  return weights_of(matrix, cut_.by_size[place], panel);
}

// down(): the last pass, called by every thread.
template <class Down>
void ExpertFfn::run_passes(const RowSource& from, const Down& down) {
  const bool few = cut_.rows <= kRowsCopiedAlone;
  if (few) {
    for (const RowBlock& block : cut_.blocks) copy_rows(block, from);
  }
  Tasks copies(few ? 0 : std::ssize(cut_.blocks));
  PanelTasks gate_up(std::ssize(cut_.chunks), weights_->gate_up.panels);
  Tasks roundings(std::ssize(cut_.blocks));
#pragma omp parallel
  {
    copies.run([&](std::int64_t i, std::int64_t) { copy_rows(cut_.blocks[i], from); });
    if (!few) {
#pragma omp barrier
    }
    gate_up.run([&](std::int64_t place, Panels panels, std::int64_t next, std::int64_t panel) {
      gate_and_up(cut_.chunks[cut_.by_size[place]], panels,
                  weights_by_size(weights_->gate_up, next, panel));
    });
#pragma omp barrier
    if (is_integer(shape_.dtype)) {
      roundings.run([&](std::int64_t i, std::int64_t) {
        round_rows(cut_.blocks[i], hidden_.as<float>(), hidden_depth_);
      });
#pragma omp barrier
    }
    down();
  }
}

void ExpertFfn::run(std::span<const RowGroup> groups, const RowSource& from,
                    MatrixView<float> out) {
  cut_.list(groups);
  PanelTasks tasks(std::ssize(cut_.chunks), weights_->down.panels);
  run_passes(from, [&] {
    tasks.run([&](std::int64_t place, Panels panels, std::int64_t next, std::int64_t panel) {
      down_to_rows(cut_.chunks[cut_.by_size[place]], panels,
                   weights_by_size(weights_->down, next, panel), out);
    });
  });
}

void ExpertFfn::run(std::span<const RowGroup> groups, const RowSource& from,
                    const WeightedSum& sum) {
  cut_.list(groups);
  PanelTasks tasks(1, weights_->down.panels,
                   cut_.rows < kManyRows ? kTasksPerThread : kSumsPerThread);
  run_passes(from, [&] {
    tasks.run([&](std::int64_t, Panels panels, std::int64_t next, std::int64_t panel) {
      down_to_sum(panels, next > 0 ? nullptr : weights_of(weights_->down, 0, panel), sum);
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
