#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/contract/matrix.h"
#include "kernels/contract/strategy.h"

namespace moe::cpu {

// Rows [begin, begin + rows) of a buffer that all go to one expert.
struct RowGroup {
  std::int32_t expert;
  std::int64_t begin;
  std::int64_t rows;
};

// The experts' own work, out[row] = down_e( silu(gate_e x[row]) * (up_e x[row]) ), for many experts
// at once: one task is a block of rows and a block of columns of one expert, all experts' tasks lie
// in one pool. The blocks are of fixed size, so the bits do not depend on the number of threads.
class ExpertFfn {
 public:
  // Room for at most `rows` rows in one call.
  void prepare(const MoeShape& shape, const ExpertWeights& weights, std::int64_t rows);

  // x, out: [rows, H], rows as the groups index them. Groups must not overlap.
  void run(std::span<const RowGroup> groups, MatrixView<const float> x, MatrixView<float> out);

  std::int64_t workspace_bytes() const;

 private:
  struct Task {
    RowGroup rows;
    std::int64_t column;
  };
  void list_tasks(std::span<const RowGroup> groups, std::int64_t columns, std::int64_t block);

  MoeShape shape_{};
  const ExpertWeights* weights_ = nullptr;
  std::vector<float> gate_;  // [rows, F], turned into silu(gate) * up in place
  std::vector<float> up_;    // [rows, F]
  std::vector<Task> tasks_;
};

}  // namespace moe::cpu
