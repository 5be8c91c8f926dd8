#include "kernels/cpu/detail/expert_ffn.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/detail/gemm.h"
#include "kernels/cpu/detail/parallel.h"

namespace moe::cpu {
namespace {

// Chosen so that a task's operands stay in a 512 KiB second-level cache and that a layer of one
// token still has more tasks than threads.
constexpr std::int64_t kRows = 256;
constexpr std::int64_t kColumns = 128;

void swiglu(MatrixView<float> gate, MatrixView<float> up) {
  for (std::int64_t r = 0; r < gate.rows; ++r) {
    const auto g = gate.row(r);
    const auto u = up.row(r);
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = g[i] / (1.0F + std::exp(-g[i])) * u[i];
  }
}

template <class T>
MatrixView<T> tile(MatrixView<T> m, const RowGroup& rows, std::int64_t column,
                   std::int64_t columns) {
  return {m.data + rows.begin * m.stride + column, rows.rows, columns, m.stride};
}

}  // namespace

void ExpertFfn::prepare(const MoeShape& shape, const ExpertWeights& weights, std::int64_t rows) {
  shape_ = shape;
  weights_ = &weights;
  gate_.resize(static_cast<std::size_t>(rows * shape.ffn));
  up_.resize(static_cast<std::size_t>(rows * shape.ffn));
  // Every expert may end with a block that is not full.
  const std::int64_t row_blocks = blocks_of(rows, kRows) + shape.experts;
  const std::int64_t widest = std::max(shape.ffn, shape.hidden);
  tasks_.reserve(static_cast<std::size_t>(row_blocks * blocks_of(widest, kColumns)));
}

// Big experts first: the small ones fill the gaps at the end.
void ExpertFfn::list_tasks(std::span<const RowGroup> groups, std::int64_t columns,
                           std::int64_t block) {
  tasks_.clear();
  for (const RowGroup& g : groups) {
    for (std::int64_t r = 0; r < g.rows; r += kRows) {
      for (std::int64_t c = 0; c < columns; c += block) {
        tasks_.push_back({{g.expert, g.begin + r, std::min(kRows, g.rows - r)}, c});
      }
    }
  }
  std::ranges::sort(tasks_, [](const Task& a, const Task& b) {
    if (a.rows.rows != b.rows.rows) return a.rows.rows > b.rows.rows;
    return a.rows.begin != b.rows.begin ? a.rows.begin < b.rows.begin : a.column < b.column;
  });
}

void ExpertFfn::run(std::span<const RowGroup> groups, MatrixView<const float> x,
                    MatrixView<float> out) {
  const std::int64_t h = shape_.hidden;
  const std::int64_t f = shape_.ffn;
  const auto rows = static_cast<std::int64_t>(gate_.size()) / f;
  const auto gate = packed(gate_.data(), rows, f);
  const auto up = packed(up_.data(), rows, f);

  list_tasks(groups, f, kColumns);
  parallel_for(static_cast<std::int64_t>(tasks_.size()), [&](std::int64_t i) {
    const auto& [group, column] = tasks_[i];
    const std::int64_t columns = std::min(kColumns, f - column);
    const std::int64_t first = (group.expert * f + column) * h;
    const MatrixView<const float> input = tile(x, group, 0, h);
    gemm(input, packed(weights_->gate.data() + first, columns, h),
         tile(gate, group, column, columns));
    gemm(input, packed(weights_->up.data() + first, columns, h), tile(up, group, column, columns));
    swiglu(tile(gate, group, column, columns), tile(up, group, column, columns));
  });

  list_tasks(groups, h, kColumns);
  parallel_for(static_cast<std::int64_t>(tasks_.size()), [&](std::int64_t i) {
    const auto& [group, column] = tasks_[i];
    const std::int64_t columns = std::min(kColumns, h - column);
    const float* down = weights_->down.data() + (group.expert * h + column) * f;
    gemm(tile(gate, group, 0, f), packed(down, columns, f), tile(out, group, column, columns));
  });
}

std::int64_t ExpertFfn::workspace_bytes() const {
  return static_cast<std::int64_t>((gate_.size() + up_.size()) * sizeof(float) +
                                   tasks_.capacity() * sizeof(Task));
}

}  // namespace moe::cpu
