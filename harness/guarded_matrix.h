#pragma once
#include <cstdint>
#include <vector>

#include "kernels/contract/matrix.h"

namespace moe::harness {

// A [rows, cols] output with a band of known values on either side, and poison inside: what a
// strategy leaves unwritten stays NaN, what it writes beyond its rows shows in the bands.
class GuardedMatrix {
 public:
  GuardedMatrix(std::int64_t rows, std::int64_t cols);

  MatrixView<float> view() { return packed(memory_.data() + kGuard, rows_, cols_); }
  void poison();
  bool guards_intact() const;
  std::vector<float> copy() const;

 private:
  // More than one row of any model, so that a write one row too far does not jump the band.
  static constexpr std::int64_t kGuard = 16384;

  std::int64_t rows_;
  std::int64_t cols_;
  std::vector<float> memory_;
};

}  // namespace moe::harness
