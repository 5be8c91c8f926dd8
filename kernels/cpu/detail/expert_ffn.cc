#include "kernels/cpu/detail/expert_ffn.h"

#include <omp.h>

#include <algorithm>
#include <cstring>

#include "kernels/cpu/detail/parallel.h"

namespace moe::cpu {
namespace {

// Rows of an expert that are multiplied panel by panel; more of them read the weights once more.
// With a kPieceBytes of depth they are at most 512 KiB of the second-level cache.
constexpr std::int64_t kChunkRows = 252;
// Of a panel, what is multiplied at once: it stays in the first-level cache for the next rows, and
// the piece after it is fetched into the second-level cache meanwhile.
constexpr std::int64_t kPieceBytes = 32 << 10;
// Panels of one task: enough that weights are read in long streams, few enough that there are tasks
// for all threads to the end.
constexpr std::int64_t kMostPanels = 8;
constexpr std::int64_t kTasksPerThread = 16;
constexpr std::int64_t kLine = 64;

std::int64_t panels_of_a_task(std::int64_t panels, std::int64_t chunks) {
  const std::int64_t wanted = kTasksPerThread * omp_get_max_threads();
  return std::clamp<std::int64_t>(panels * chunks / wanted, 1, kMostPanels);
}

// Calls work({chunk, first panel, panels}, next) for all chunks and all panels, on all threads.
// next: what this thread will be called with after; its chunk is `chunks` where there is nothing.
struct PanelTask {
  std::int64_t chunk;
  std::int64_t first;
  std::int64_t count;
};
template <class Work>
void for_panels(std::int64_t chunks, std::int64_t panels, const Work& work) {
  const std::int64_t some = panels_of_a_task(panels, chunks);
  const std::int64_t tasks = blocks_of(panels, some);
  const auto task = [&](std::int64_t i) {
    const std::int64_t first = i % tasks * some;
    return PanelTask{i / tasks, first, std::min(some, panels - first)};
  };
  parallel_for_with_next(chunks * tasks,
                         [&](std::int64_t i, std::int64_t next) { work(task(i), task(next)); });
}

}  // namespace

void ExpertFfn::prepare(const MoeShape& shape, const ExpertWeights& weights, std::int64_t rows) {
  shape_ = shape;
  kernels_ = &micro_kernels(chosen_isa());
  weights_ = shared_packed_weights(shape, weights);
  rows_ = PageBuffer(static_cast<std::size_t>(rows * weights_->gate_up.depth) * sizeof(float));
  hidden_ = PageBuffer(static_cast<std::size_t>(rows * weights_->down.depth) * sizeof(float));
  // Every expert may end with a block that is not full.
  const std::int64_t blocks = blocks_of(rows, kernels_->rows) + shape.experts;
  blocks_.reserve(static_cast<std::size_t>(blocks));
  chunks_.reserve(static_cast<std::size_t>(blocks));
}

// An expert's rows are cut evenly: 15 rows are 8 and 7, not 14 and 1.
void ExpertFfn::list_blocks(std::span<const RowGroup> groups) {
  blocks_.clear();
  chunks_.clear();
  for (const RowGroup& g : groups) {
    const std::int64_t cuts = blocks_of(g.rows, kernels_->rows);
    const std::int64_t chunks = blocks_of(cuts, kChunkRows / kernels_->rows);
    for (std::int64_t i = 0; i < cuts; ++i) {
      if (i == 0 || i * chunks / cuts != (i - 1) * chunks / cuts) {
        chunks_.push_back({std::ssize(blocks_), 0, 0});
      }
      const std::int64_t begin = g.rows * i / cuts;
      const std::int64_t rows = g.rows * (i + 1) / cuts - begin;
      blocks_.push_back({g.expert, g.begin + begin, rows});
      ++chunks_.back().blocks;
      chunks_.back().rows += rows;
    }
  }
}

void ExpertFfn::copy_rows(const Block& block, const RowSource& from) {
  const std::int64_t depth = weights_->gate_up.depth;
  const std::int64_t whole = shape_.hidden / kDepthStep * kDepthStep;
  const std::int64_t apart = block.rows;  // steps of the other rows lie between those of one
  for (std::int64_t r = 0; r < block.rows; ++r) {
    float* const to = rows_.as<float>() + block.begin * depth + r * kDepthStep;
    const std::int64_t row = block.begin + r;
    const std::int64_t token = from.token.empty() ? row : from.token[row];
    const float* const values = token < 0 ? nullptr : from.x.row(token).data();
    for (std::int64_t k = 0; k < depth; k += kDepthStep) {
      if (values == nullptr || k == whole) std::memset(to + k * apart, 0, kLine);
      if (values == nullptr) continue;
      const std::int64_t some = std::min(kDepthStep, shape_.hidden - k);
      std::memcpy(to + k * apart, values + k, static_cast<std::size_t>(some) * sizeof(float));
    }
  }
}

// The tiles of a chunk and some panels, each handed to sink(block, panel, tile) once it is
// complete. next: the weights that this thread multiplies with after these, or nullptr.
template <class Sink>
void ExpertFfn::multiply(const Chunk& chunk, const PanelMatrix& matrix, const float* rows,
                         Panels panels, const char* next, const Sink& sink) const {
  alignas(kLine) float tiles[kMostPanels * kChunkRows * kPanelColumns];
  const auto& products = weights_->dtype == DType::kF32 ? kernels_->f32 : kernels_->bf16;
  const std::span<const Block> blocks(&blocks_[chunk.first], chunk.blocks);
  const std::int64_t step_bytes = panel_bytes(weights_->dtype, kDepthStep);
  const std::int64_t deepest = kPieceBytes / step_bytes * kDepthStep;
  const std::int32_t expert = blocks[0].expert;
  // A single block reads nothing twice: its panels are multiplied one after the other, as they lie
  // in memory. Several read all panels to one depth first, so that their rows stay in the cache.
  const bool alone = blocks.size() == 1;
  const std::int64_t pieces = blocks_of(matrix.depth, deepest);
  for (std::int64_t i = 0; i < pieces * panels.count; ++i) {
    const std::int64_t p = alone ? i / pieces : i % panels.count;
    const auto begin_of = [&](std::int64_t n) {
      return (alone ? n % pieces : n / panels.count) * deepest;
    };
    const auto weights_of = [&](std::int64_t n) {
      const std::int64_t of = alone ? n / pieces : n % panels.count;
      return matrix.panel(expert, panels.first + of) + panel_bytes(weights_->dtype, begin_of(n));
    };
    const std::int64_t k = begin_of(i);
    const std::int64_t depth = std::min(deepest, matrix.depth - k);
    Ahead ahead{i + 1 < pieces * panels.count ? weights_of(i + 1) : next,
                step_bytes / std::ssize(blocks)};
    float* tile = tiles + p * chunk.rows * kPanelColumns;
    for (const Block& block : blocks) {
      products[block.rows - 1](rows + block.begin * matrix.depth + k * block.rows, weights_of(i),
                               depth, tile, k > 0, ahead);
      if (k + depth == matrix.depth) sink(block, panels.first + p, tile);
      tile += block.rows * kPanelColumns;
      ahead.from += ahead.bytes * (depth / kDepthStep);
    }
  }
}

void ExpertFfn::gate_and_up(const Chunk& chunk, Panels panels, const char* next) {
  multiply(chunk, weights_->gate_up, rows_.as<float>(), panels, next,
           [&](const Block& block, std::int64_t panel, const float* tile) {
             float* const hidden = hidden_.as<float>() + block.begin * weights_->down.depth;
             kernels_->swiglu(tile, block.rows, hidden + panel * block.rows * kDepthStep);
           });
}

void ExpertFfn::down_to_rows(const Chunk& chunk, Panels panels, const char* next,
                             MatrixView<float> out) {
  multiply(chunk, weights_->down, hidden_.as<float>(), panels, next,
           [&](const Block& block, std::int64_t panel, const float* tile) {
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
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    const bool last = i + 1 == chunks_.size();
    multiply(chunks_[i], weights_->down, hidden_.as<float>(), panels,
             last ? next : first_weights(weights_->down, i + 1, panels.first),
             [&](const Block& block, std::int64_t panel, const float* tile) {
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
const char* ExpertFfn::first_weights(const PanelMatrix& matrix, std::size_t chunk,
                                     std::int64_t panel) const {
  if (chunk >= chunks_.size()) return nullptr;
  return matrix.panel(blocks_[chunks_[chunk].first].expert, panel);
}

void ExpertFfn::first_passes(std::span<const RowGroup> groups, const RowSource& from) {
  list_blocks(groups);
  parallel_for(std::ssize(blocks_), [&](std::int64_t i) { copy_rows(blocks_[i], from); });
  // Big chunks first: the small ones fill the gaps at the end. Equal ones stay in memory's order.
  std::ranges::sort(chunks_, [](const Chunk& a, const Chunk& b) {
    return a.rows != b.rows ? a.rows > b.rows : a.first < b.first;
  });
  for_panels(std::ssize(chunks_), weights_->gate_up.panels,
             [&](const PanelTask& task, const PanelTask& next) {
               gate_and_up(chunks_[task.chunk], {task.first, task.count},
                           first_weights(weights_->gate_up, next.chunk, next.first));
             });
}

void ExpertFfn::run(std::span<const RowGroup> groups, const RowSource& from,
                    MatrixView<float> out) {
  first_passes(groups, from);
  for_panels(std::ssize(chunks_), weights_->down.panels,
             [&](const PanelTask& task, const PanelTask& next) {
               down_to_rows(chunks_[task.chunk], {task.first, task.count},
                            first_weights(weights_->down, next.chunk, next.first), out);
             });
}

void ExpertFfn::run(std::span<const RowGroup> groups, const RowSource& from,
                    const WeightedSum& sum) {
  first_passes(groups, from);
  // By ascending expert, and in the order of the rows: every token's sum has one order.
  std::ranges::sort(chunks_, std::less{}, &Chunk::first);
  for_panels(1, weights_->down.panels, [&](const PanelTask& task, const PanelTask& next) {
    down_to_sum({task.first, task.count},
                next.chunk > 0 ? nullptr : first_weights(weights_->down, 0, next.first), sum);
  });
}

std::int64_t ExpertFfn::workspace_bytes() const {
  return weights_->bytes() + static_cast<std::int64_t>(rows_.bytes() + hidden_.bytes() +
                                                       blocks_.capacity() * sizeof(Block) +
                                                       chunks_.capacity() * sizeof(Chunk));
}

}  // namespace moe::cpu
