#include "kernels/cpu/detail/expert_ffn.h"

#include <omp.h>

#include <algorithm>
#include <cstring>

#include "kernels/cpu/detail/parallel.h"

namespace moe::cpu {
namespace {

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

// Few rows are copied before the threads are called: it takes less time than their waiting for it.
constexpr std::int64_t kRowsCopiedAlone = 16;

}  // namespace

// Tasks of some panels for each of `chunks` chunks.
class ExpertFfn::PanelTasks {
 public:
  PanelTasks(std::int64_t chunks, std::int64_t panels)
      : panels_(panels),
        some_(panels_of_a_task(panels, chunks)),
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

void ExpertFfn::prepare(const MoeShape& shape, const ExpertWeights& weights, std::int64_t rows) {
  shape_ = shape;
  kernels_ = &micro_kernels(chosen_isa());
  weights_ = shared_packed_weights(shape, weights);
  rows_ = PageBuffer(static_cast<std::size_t>(rows * weights_->gate_up.depth) * sizeof(float));
  hidden_ = PageBuffer(static_cast<std::size_t>(rows * weights_->down.depth) * sizeof(float));
  cut_.reserve(rows, shape.experts, kernels_->rows);
}

void ExpertFfn::copy_rows(const RowBlock& block, const RowSource& from) {
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
void ExpertFfn::multiply(const RowChunk& chunk, const PanelMatrix& matrix, const float* rows,
                         Panels panels, const char* next, const Sink& sink) const {
  alignas(kLine) float tiles[kMostPanels * RowBlocks::kChunkRows * kPanelColumns];
  const auto& products = weights_->dtype == DType::kF32 ? kernels_->f32 : kernels_->bf16;
  const std::span<const RowBlock> blocks(&cut_.blocks[chunk.first], chunk.blocks);
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
      products[block.rows - 1](rows + block.begin * matrix.depth + k * block.rows, piece(i), depth,
                               tile, k > 0, ahead);
      if (k + depth == matrix.depth) sink(block, panels.first + p, tile);
      tile += block.rows * kPanelColumns;
      ahead.from += ahead.bytes * (depth / kDepthStep);
    }
  }
}

void ExpertFfn::gate_and_up(const RowChunk& chunk, Panels panels, const char* next) {
  multiply(chunk, weights_->gate_up, rows_.as<float>(), panels, next,
           [&](const RowBlock& block, std::int64_t panel, const float* tile) {
             float* const hidden = hidden_.as<float>() + block.begin * weights_->down.depth;
             kernels_->swiglu(tile, block.rows, hidden + panel * block.rows * kDepthStep);
           });
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
  PanelTasks tasks(1, weights_->down.panels);
  run_passes(from, [&] {
    tasks.run([&](std::int64_t, Panels panels, std::int64_t next, std::int64_t panel) {
      down_to_sum(panels, next > 0 ? nullptr : weights_of(weights_->down, 0, panel), sum);
    });
  });
}

std::int64_t ExpertFfn::workspace_bytes() const {
  return weights_->bytes() +
         static_cast<std::int64_t>(
             rows_.bytes() + hidden_.bytes() + cut_.blocks.capacity() * sizeof(RowBlock) +
             cut_.chunks.capacity() * (sizeof(RowChunk) + sizeof(std::int64_t)));
}

}  // namespace moe::cpu
