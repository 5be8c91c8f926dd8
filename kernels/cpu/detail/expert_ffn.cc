#include "kernels/cpu/detail/expert_ffn.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/detail/parallel.h"

namespace moe::cpu {
namespace {

// Rows of an expert that are multiplied panel by panel; more of them read the weights once more.
// With kDepth they are 1 MiB of a second-level cache of 2 MiB.
constexpr std::int64_t kChunkRows = 252;
constexpr std::int64_t kDepth = 1024;
// Panels of one task: enough that weights are read in long streams, few enough that there are tasks
// for all threads to the end.
constexpr std::int64_t kMostPanels = 8;
constexpr std::int64_t kWantedTasks = 64;
// How far ahead of a product its weights are fetched when it is the only one to read them: about
// what memory delivers in its own latency.
constexpr std::int64_t kAheadBytes = 8192;
constexpr std::int64_t kLine = 64;

std::int64_t panels_of_a_task(std::int64_t panels, std::int64_t chunks) {
  return std::clamp<std::int64_t>(panels * chunks / kWantedTasks, 1, kMostPanels);
}

// Calls work(chunk, first panel, panels) for all chunks and all panels, on all threads.
template <class Work>
void for_panels(std::int64_t chunks, std::int64_t panels, const Work& work) {
  const std::int64_t some = panels_of_a_task(panels, chunks);
  const std::int64_t tasks = blocks_of(panels, some);
  parallel_for(chunks * tasks, [&](std::int64_t i) {
    const std::int64_t first = i % tasks * some;
    work(i / tasks, first, std::min(some, panels - first));
  });
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
// complete.
template <class Sink>
void ExpertFfn::multiply(const Chunk& chunk, const PanelMatrix& matrix, const float* rows,
                         Panels panels, const Sink& sink) const {
  alignas(kLine) float tiles[kMostPanels * kChunkRows * kPanelColumns];
  const auto& products = weights_->dtype == DType::kF32 ? kernels_->f32 : kernels_->bf16;
  const std::span<const Block> blocks(&blocks_[chunk.first], chunk.blocks);
  const std::int64_t lines = panel_bytes(weights_->dtype, kDepthStep) / kLine;
  const bool alone = chunk.blocks == 1;  // then nothing is read twice, and depth need not be cut
  const std::int64_t deepest = alone ? matrix.depth : kDepth;
  for (std::int64_t k = 0; k < matrix.depth; k += deepest) {
    const std::int64_t depth = std::min(deepest, matrix.depth - k);
    float* tile = tiles;
    for (std::int64_t p = panels.first; p < panels.first + panels.count; ++p) {
      const char* const panel = matrix.panel(blocks[0].expert, p) + panel_bytes(weights_->dtype, k);
      // Alone, a product fetches for itself; else all together fetch the next panel.
      Ahead ahead{panel + kAheadBytes, lines};
      if (!alone) ahead = {panel + matrix.panel_bytes, blocks_of(lines, chunk.blocks)};
      for (const Block& block : blocks) {
        products[block.rows - 1](rows + block.begin * matrix.depth + k * block.rows, panel, depth,
                                 tile, k > 0, ahead);
        if (k + depth == matrix.depth) sink(block, p, tile);
        tile += block.rows * kPanelColumns;
        ahead.from += ahead.lines * kLine * (depth / kDepthStep);
      }
    }
  }
}

void ExpertFfn::gate_and_up(const Chunk& chunk, Panels panels) {
  multiply(chunk, weights_->gate_up, rows_.as<float>(), panels,
           [&](const Block& block, std::int64_t panel, const float* tile) {
             float* const hidden = hidden_.as<float>() + block.begin * weights_->down.depth;
             kernels_->swiglu(tile, block.rows, hidden + panel * block.rows * kDepthStep);
           });
}

void ExpertFfn::down_to_rows(const Chunk& chunk, Panels panels, MatrixView<float> out) {
  multiply(chunk, weights_->down, hidden_.as<float>(), panels,
           [&](const Block& block, std::int64_t panel, const float* tile) {
             const std::int64_t column = panel * kPanelColumns;
             const std::int64_t columns = std::min(kPanelColumns, shape_.hidden - column);
             for (std::int64_t r = 0; r < block.rows; ++r) {
               std::memcpy(out.row(block.begin + r).data() + column, tile + r * kPanelColumns,
                           static_cast<std::size_t>(columns) * sizeof(float));
             }
           });
}

void ExpertFfn::down_to_sum(Panels panels, const WeightedSum& sum) {
  const std::int64_t begin = panels.first * kPanelColumns;
  const std::int64_t end = std::min(shape_.hidden, begin + panels.count * kPanelColumns);
  for (std::int64_t t = 0; t < sum.y.rows; ++t) {
    std::memset(sum.y.row(t).data() + begin, 0,
                static_cast<std::size_t>(end - begin) * sizeof(float));
  }
  for (const Chunk& chunk : chunks_) {
    multiply(chunk, weights_->down, hidden_.as<float>(), panels,
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

void ExpertFfn::first_passes(std::span<const RowGroup> groups, const RowSource& from) {
  list_blocks(groups);
  parallel_for(std::ssize(blocks_), [&](std::int64_t i) { copy_rows(blocks_[i], from); });
  // Big chunks first: the small ones fill the gaps at the end. Equal ones stay in memory's order.
  std::ranges::sort(chunks_, [](const Chunk& a, const Chunk& b) {
    return a.rows != b.rows ? a.rows > b.rows : a.first < b.first;
  });
  for_panels(std::ssize(chunks_), weights_->gate_up.panels,
             [&](std::int64_t chunk, std::int64_t first, std::int64_t count) {
               gate_and_up(chunks_[chunk], {first, count});
             });
}

void ExpertFfn::run(std::span<const RowGroup> groups, const RowSource& from,
                    MatrixView<float> out) {
  first_passes(groups, from);
  for_panels(std::ssize(chunks_), weights_->down.panels,
             [&](std::int64_t chunk, std::int64_t first, std::int64_t count) {
               down_to_rows(chunks_[chunk], {first, count}, out);
             });
}

void ExpertFfn::run(std::span<const RowGroup> groups, const RowSource& from,
                    const WeightedSum& sum) {
  first_passes(groups, from);
  // By ascending expert, and in the order of the rows: every token's sum has one order.
  std::ranges::sort(chunks_, std::less{}, &Chunk::first);
  for_panels(1, weights_->down.panels, [&](std::int64_t, std::int64_t first, std::int64_t count) {
    down_to_sum({first, count}, sum);
  });
}

std::int64_t ExpertFfn::workspace_bytes() const {
  return weights_->bytes() + static_cast<std::int64_t>(rows_.bytes() + hidden_.bytes() +
                                                       blocks_.capacity() * sizeof(Block) +
                                                       chunks_.capacity() * sizeof(Chunk));
}

}  // namespace moe::cpu
