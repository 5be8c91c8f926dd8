#pragma once
#include <cstdint>
#include <memory>
#include <span>

#include "kernels/contract/strategy.h"
#include "kernels/cpu/detail/packed_weights.h"
#include "kernels/cpu/detail/row_blocks.h"

namespace moe::cpu {

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
// Three passes of one parallel region, two barriers between them: rows are copied into the order
// the kernels read, and y is cleared; gate and up with silu(gate) * up, which leaves no [rows, 2
// F]; down. Where weights are whole numbers, rows are rounded to such numbers as they are copied,
// and once more between the products, with a barrier of its own. Where an instruction multiplies
// bf16 by bf16, rows are rounded to bf16 as they are copied, and as they leave the first product. A
// task is a few panels of one expert's columns for some of its rows, big ones first; of the last
// pass with a WeightedSum, a few panels for all experts, so that nobody else adds to these columns.
// How a row is computed depends on its group only: the bits are the same for every number of
// threads.
class ExpertFfn {
 public:
  // Room for at most `rows` rows in one call. Weights as shape.dtype says: f32, bf16, int8 or int4.
  // What meets whole numbers is rounded to 16 bits with a scale for each row, what meets bf16 to
  // bf16 where the processor multiplies such numbers; everything else is f32.
  void prepare(const MoeShape& shape, const ExpertWeights& weights, std::int64_t rows,
               const MicroKernels& kernels = micro_kernels(chosen_isa()));

  // Groups must not overlap; row numbers are below `rows` of prepare.
  void run(std::span<const RowGroup> groups, const RowSource& from, MatrixView<float> out);
  void run(std::span<const RowGroup> groups, const RowSource& from, const WeightedSum& sum);

  std::int64_t workspace_bytes() const;

 private:
  struct Piece {  // of a panel
    const char* weights;
    std::int64_t begin;  // of its depth
    std::int64_t depth;
  };
  struct Widened {  // a piece, as f32
    float* values;
    bool first;  // they are still to be written
  };
  struct Panels {  // some columns of a product
    std::int64_t first;
    std::int64_t count;
  };
  // What a thread multiplies after what it has: the first of the weights, and the chunk. nullptr:
  // nothing.
  struct Next {
    const char* weights = nullptr;
    const RowChunk* chunk = nullptr;
  };
  class PanelTasks;

  template <class Down>
  void run_passes(const RowSource& from, MatrixView<float> y, const Down& down);
  void make_room(std::int64_t rows);
  void copy_rows(const RowBlock& block, const RowSource& from);
  void copy_narrow_rows(const RowBlock& block, const RowSource& from);
  void round_rows(const RowBlock& block, const float* rows, std::int64_t depth);
  std::int64_t piece_step() const;
  void gate_and_up(const RowChunk& chunk, Panels panels, const Next& next);
  void down_to_rows(const RowChunk& chunk, Panels panels, const Next& next, MatrixView<float> out);
  void down_to_sum(Panels panels, std::int64_t next_panel, const WeightedSum& sum);
  template <class Expect, class Sink>
  void multiply(const RowChunk& chunk, const PanelMatrix& matrix, const float* rows, Panels panels,
                const Next& next, const Expect& expect, const Sink& sink) const;
  void multiply_piece(const RowBlock& block, const PanelMatrix& matrix, const float* rows,
                      const Piece& piece, float* tile, Ahead ahead, Ahead rows_ahead,
                      const Meanwhile& meanwhile) const;
  void multiply_integers(const RowBlock& block, const PanelMatrix& matrix, const Piece& piece,
                         float* tile, Ahead ahead) const;
  Ahead rows_after(const RowChunk& chunk, std::int64_t b, const PanelMatrix& matrix,
                   std::int64_t depth, std::int64_t deepest, const Next& next) const;
  const char* rows_of(const RowBlock& block, const PanelMatrix& matrix, std::int64_t depth) const;
  std::uint16_t* hidden_of(const RowBlock& block, std::int64_t panel) const;
  std::int64_t most_panels() const;
  std::uint16_t* narrow_rows_of(const RowBlock& block, const PanelMatrix& matrix,
                                std::int64_t depth) const;
  void multiply_widened(const RowBlock& block, const PanelMatrix& matrix, const float* rows,
                        const Piece& piece, float* tile, Ahead ahead, Ahead rows_ahead,
                        Widened to) const;
  Next next_of(const PanelMatrix& matrix, std::int64_t chunk, std::int64_t panel) const;
  Next next_by_size(const PanelMatrix& matrix, std::int64_t place, std::int64_t panel) const;

  MoeShape shape_{};
  const MicroKernels* kernels_ = nullptr;
  std::shared_ptr<const PackedWeights> weights_;
  std::int64_t row_depth_ = 0;     // H, padded to kDepthStep
  std::int64_t hidden_depth_ = 0;  // F, the same
  PageBuffer rows_;                // [rows][H], block by block: [H / 16][block's rows][16]
  PageBuffer hidden_;              // [rows][F], the same
  bool bf16_rows_ = false;         // bf16 is multiplied by bf16
  Blocking blocking_{};
  // [rows][H] and [rows][F], block by block, where rows are rounded to 16 bits: [K / 32][..][32].
  // Whole numbers have one buffer for both, since they are rounded between the products.
  PageBuffer narrow_rows_;
  PageBuffer narrow_hidden_;
  PageBuffer scales_;  // [rows], of whole numbers
  RowBlocks cut_;
};

}  // namespace moe::cpu
