#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/contract/strategy.h"
#include "kernels/cpu/detail/packed_weights.h"

namespace moe::cpu {

// Rows of an expert-major buffer that go to one expert: rows begin .. begin + rows.
struct RowGroup {
  std::int32_t expert;
  std::int64_t begin;
  std::int64_t rows;
};

// Where the experts' inputs come from: row r of the groups is x.row(r), or x.row(token[r]) where
// tokens are given. token[r] < 0 is a row of zeros.
struct RowSource {
  MatrixView<const float> x;
  std::span<const std::int32_t> token = {};
};

// What becomes of their outputs: they are added up, y[token[r]] += weight[r] * output r, by
// ascending expert. Every row of y is written; rows with token[r] < 0 go nowhere.
struct WeightedSum {
  std::span<const std::int32_t> token;
  std::span<const float> weight;
  MatrixView<float> y;
};

// The experts' own work, out[row] = down_e( silu(gate_e x[row]) * (up_e x[row]) ), for many experts
// at once, on weights that are packed once. Every strategy multiplies here, so that what a
// comparison shows is dispatch and not matrix products.
//
// Three passes with a barrier after each: rows are copied into the order the kernels read; gate and
// up with silu(gate) * up, which leaves no [rows, 2 F]; down. A task is a few panels of one
// expert's columns for some of its rows, big ones first; of the last pass with a WeightedSum, a few
// panels for all experts, so that nobody else adds to these columns. How a row is computed depends
// on its group only: the bits are the same for every number of threads.
class ExpertFfn {
 public:
  // Room for at most `rows` rows in one call. Products as shape.dtype says: f32 or bf16 weights;
  // everything else is f32.
  void prepare(const MoeShape& shape, const ExpertWeights& weights, std::int64_t rows);

  // Groups must not overlap; row numbers are below `rows` of prepare.
  void run(std::span<const RowGroup> groups, const RowSource& from, MatrixView<float> out);
  void run(std::span<const RowGroup> groups, const RowSource& from, const WeightedSum& sum);

  std::int64_t workspace_bytes() const;

 private:
  struct Block {  // rows that one call of a micro-kernel takes
    std::int32_t expert;
    std::int64_t begin;
    std::int64_t rows;
  };
  struct Chunk {  // blocks of one expert whose rows stay in the second-level cache
    std::int64_t first;
    std::int64_t blocks;
    std::int64_t rows;
  };
  struct Panels {  // some columns of the product
    std::int64_t first;
    std::int64_t count;
  };
  void first_passes(std::span<const RowGroup> groups, const RowSource& from);
  void list_blocks(std::span<const RowGroup> groups);
  void copy_rows(const Block& block, const RowSource& from);
  void gate_and_up(const Chunk& chunk, Panels panels, const char* next);
  void down_to_rows(const Chunk& chunk, Panels panels, const char* next, MatrixView<float> out);
  void down_to_sum(Panels panels, const char* next, const WeightedSum& sum);
  template <class Sink>
  void multiply(const Chunk& chunk, const PanelMatrix& matrix, const float* rows, Panels panels,
                const char* next, const Sink& sink) const;
  const char* first_weights(const PanelMatrix& matrix, std::size_t chunk, std::int64_t panel) const;

  MoeShape shape_{};
  const MicroKernels* kernels_ = nullptr;
  std::shared_ptr<const PackedWeights> weights_;
  PageBuffer rows_;    // [rows][H], block by block: [H / 16][block's rows][16]
  PageBuffer hidden_;  // [rows][F], the same
  std::vector<Block> blocks_;
  std::vector<Chunk> chunks_;
};

}  // namespace moe::cpu
