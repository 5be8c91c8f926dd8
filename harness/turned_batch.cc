#include "harness/turned_batch.h"

#include "harness/number_format.h"

namespace moe::harness {
namespace {

std::vector<float> twice(MatrixView<const float> m) {
  std::vector<float> out;
  out.reserve(static_cast<std::size_t>(2 * m.rows * m.cols));
  for (int copy = 0; copy < 2; ++copy) {
    for (std::int64_t r = 0; r < m.rows; ++r) {
      out.insert(out.end(), m.row(r).begin(), m.row(r).end());
    }
  }
  return out;
}

std::vector<std::uint16_t> narrowed(DType dtype, const std::vector<float>& values) {
  std::vector<std::uint16_t> out;
  if (!has_16_bits(dtype)) return out;
  out.reserve(values.size());
  for (const float v : values) out.push_back(bits_of(dtype, v));
  return out;
}

}  // namespace

TurnedBatch::TurnedBatch(const Batch& batch, DType dtype, Device* device)
    : tokens_(batch.x.rows),
      hidden_(batch.x.cols),
      experts_(batch.logits.cols),
      dtype_(dtype),
      x_(twice(batch.x)),
      logits_(twice(batch.logits)),
      placed_x_(x_, hidden_, device),
      placed_logits_(logits_, experts_, device),
      placed_x16_(narrowed(dtype, x_), hidden_, device) {}

Batch TurnedBatch::turned(std::int64_t by) const {
  Batch batch{placed_x_.rows(by, tokens_), placed_logits_.rows(by, tokens_)};
  if (has_16_bits(dtype_)) batch.x16 = placed_x16_.rows(by, tokens_);
  return batch;
}

Batch TurnedBatch::on_host(std::int64_t by) const {
  return {packed(x_.data() + by * hidden_, tokens_, hidden_),
          packed(logits_.data() + by * experts_, tokens_, experts_)};
}

bool TurnedBatch::intact() const {
  return placed_x_.intact(x_) && placed_logits_.intact(logits_) &&
         placed_x16_.intact(narrowed(dtype_, x_));
}

}  // namespace moe::harness
