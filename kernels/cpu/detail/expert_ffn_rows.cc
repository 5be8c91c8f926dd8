// The rows of ExpertFfn: the room for them, and how they get there.
#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/cpu/detail/expert_ffn.h"
#include "kernels/cpu/detail/parallel.h"

namespace moe::cpu {

namespace {
constexpr std::int64_t kLine = 64;
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
  if (!bf16_rows_) {
    rows_ = wide(row_depth_);
    hidden_ = wide(hidden_depth_);
  }
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

// Step by step of depth, so that what is written stands in one piece of memory.
void ExpertFfn::copy_rows(const RowBlock& block, const RowSource& from) {
  if (bf16_rows_) return copy_narrow_rows(block, from);
  alignas(kLine) static constexpr std::array<float, kDepthStep> kZeros = {};
  struct Row {
    const float* at;
    std::int64_t step;
  };
  std::array<Row, kMostTallRows> rows;
  for (std::int64_t r = 0; r < block.rows; ++r) {
    const std::int64_t row = block.begin + r;
    const std::int64_t token = from.token.empty() ? row : from.token[row];
    rows[r] = token < 0 ? Row{kZeros.data(), 0} : Row{from.x.row(token).data(), kDepthStep};
  }
  float* to = rows_.as<float>() + block.place * row_depth_;
  for (std::int64_t k = 0; k < row_depth_; k += kDepthStep) {
    const std::int64_t some = std::min(kDepthStep, shape_.hidden - k);
    for (std::int64_t r = 0; r < block.rows; ++r, to += kDepthStep) {
      if (some == kDepthStep) {
        std::memcpy(to, rows[r].at, kLine);
      } else {
        std::memset(to, 0, kLine);
        std::memcpy(to, rows[r].at, static_cast<std::size_t>(some) * sizeof(float));
      }
      rows[r].at += rows[r].step;
    }
  }
  if (is_integer(shape_.dtype)) round_rows(block, rows_.as<float>(), row_depth_);
}

// The same, rounded to bf16.
void ExpertFfn::copy_narrow_rows(const RowBlock& block, const RowSource& from) {
  const std::int64_t depth = narrow_depth(row_depth_);
  std::uint16_t* const first = narrow_rows_of(block, weights_->gate_up, 0);
  for (std::int64_t r = 0; r < block.height; ++r) {
    std::uint16_t* const to = first + r * kBf16Step;
    const std::int64_t row = block.begin + r;
    const std::int64_t token = r >= block.rows ? -1 : from.token.empty() ? row : from.token[row];
    if (token >= 0) {
      kernels_->native_bf16.to_bf16(from.x.row(token).data(), shape_.hidden, block.height, to);
      continue;
    }
    for (std::int64_t k = 0; k < depth; k += kBf16Step) {
      std::memset(to + k * block.height, 0, kLine);
    }
  }
}

// To whole numbers. rows: [rows][depth], block by block.
void ExpertFfn::round_rows(const RowBlock& block, const float* rows, std::int64_t depth) {
  const std::int64_t step = depth_step(shape_.dtype);
  const std::int64_t begin = block.place * blocks_of(depth, step) * step;
  kernels_->to_integers(rows + block.place * depth, block.rows, depth,
                        narrow_rows_.as<std::int16_t>() + begin, scales_.as<float>() + block.place);
}

// Where a block's rows of bf16 are, from a depth on.
std::uint16_t* ExpertFfn::narrow_rows_of(const RowBlock& block, const PanelMatrix& matrix,
                                         std::int64_t depth) const {
  const PageBuffer& rows = &matrix == &weights_->down ? narrow_hidden_ : narrow_rows_;
  return rows.as<std::uint16_t>() + block.place * narrow_depth(matrix.depth) + depth * block.height;
}

// The same of rows of f32 or bf16, whichever are multiplied.
const char* ExpertFfn::rows_of(const RowBlock& block, const PanelMatrix& matrix,
                               std::int64_t depth) const {
  if (bf16_rows_) return reinterpret_cast<const char*>(narrow_rows_of(block, matrix, depth));
  const PageBuffer& rows = &matrix == &weights_->down ? hidden_ : rows_;
  return reinterpret_cast<const char*>(rows.as<float>() + block.place * matrix.depth +
                                       depth * block.rows);
}

// Where a panel of gate and up leaves its values of bf16.
std::uint16_t* ExpertFfn::hidden_of(const RowBlock& block, std::int64_t panel) const {
  const std::int64_t k = panel * kDepthStep;
  return narrow_rows_of(block, weights_->down, k / kBf16Step * kBf16Step) + k % kBf16Step;
}

}  // namespace moe::cpu
