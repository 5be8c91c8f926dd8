#include "harness/turned_batch.h"

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

}  // namespace

TurnedBatch::TurnedBatch(const Batch& batch)
    : tokens_(batch.x.rows),
      hidden_(batch.x.cols),
      experts_(batch.logits.cols),
      x_(twice(batch.x)),
      logits_(twice(batch.logits)),
      x_copy_(x_),
      logits_copy_(logits_) {}

Batch TurnedBatch::turned(std::int64_t by) const {
  return {packed(x_.data() + by * hidden_, tokens_, hidden_),
          packed(logits_.data() + by * experts_, tokens_, experts_)};
}

}  // namespace moe::harness
