#include "kernels/cpu/detail/rows.h"

#include <algorithm>

#include "kernels/cpu/detail/parallel.h"

namespace moe::cpu {
namespace {

constexpr std::int64_t kRowsPerTask = 32;

template <class Work>
void for_rows(std::int64_t rows, const Work& work) {
  parallel_for(blocks_of(rows, kRowsPerTask), [&](std::int64_t block) {
    const std::int64_t end = std::min(rows, (block + 1) * kRowsPerTask);
    for (std::int64_t r = block * kRowsPerTask; r < end; ++r) work(r);
  });
}

}  // namespace

void gather_rows(MatrixView<const float> x, std::span<const std::int32_t> token,
                 MatrixView<float> out) {
  for_rows(static_cast<std::int64_t>(token.size()), [&](std::int64_t slot) {
    if (token[slot] == Slots::kEmpty) {
      std::ranges::fill(out.row(slot), 0.0F);
    } else {
      std::ranges::copy(x.row(token[slot]), out.row(slot).begin());
    }
  });
}

void combine_rows(const TopK& top, std::span<const std::int32_t> slot_of_assignment,
                  MatrixView<const float> expert_out, MatrixView<float> y) {
  for_rows(top.tokens, [&](std::int64_t t) {
    const auto sum = y.row(t);
    std::ranges::fill(sum, 0.0F);
    for (std::int64_t a = t * top.top_k; a < (t + 1) * top.top_k; ++a) {
      if (slot_of_assignment[a] == Slots::kDropped) continue;
      const auto row = expert_out.row(slot_of_assignment[a]);
      const float weight = top.weight[a];
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weight * row[i];
    }
  });
}

}  // namespace moe::cpu
