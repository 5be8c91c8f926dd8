#include "kernels/cpu/detail/row_blocks.h"

#include <algorithm>

#include "kernels/cpu/detail/parallel.h"

namespace moe::cpu {

void RowBlocks::reserve(std::int64_t rows_in_all, std::int64_t experts, const Limits& limits) {
  limits_ = limits;
  // Every expert may end with a block that is not full.
  const auto most = static_cast<std::size_t>(blocks_of(rows_in_all, limits.block_rows) + experts);
  blocks.reserve(most);
  chunks.reserve(most);
  by_size.reserve(most);
}

// An expert's rows are cut evenly, and so are its blocks: 15 rows are 8 and 7, not 14 and 1. Level
// ones are 8 and 8, the last row of zeros: less than a row for each full block is lost so.
void RowBlocks::list(std::span<const RowGroup> groups) {
  blocks.clear();
  chunks.clear();
  by_size.clear();
  rows = 0;
  std::int64_t place = 0;
  for (const RowGroup& g : groups) {
    rows += g.rows;
    const bool alone = g.rows <= limits_.tall_rows;
    const std::int64_t cuts =
        alone ? std::min<std::int64_t>(g.rows, 1) : blocks_of(g.rows, limits_.block_rows);
    const std::int64_t height = cuts > 0 ? blocks_of(g.rows, cuts) : 0;
    const std::int64_t parts = blocks_of(cuts, limits_.chunk_rows / limits_.block_rows);
    for (std::int64_t i = 0; i < cuts; ++i) {
      if (i == 0 || i * parts / cuts != (i - 1) * parts / cuts) {
        by_size.push_back(std::ssize(chunks));
        chunks.push_back({std::ssize(blocks), 0, 0});
      }
      const std::int64_t begin = limits_.level ? i * height : g.rows * i / cuts;
      const std::int64_t end =
          limits_.level ? std::min(begin + height, g.rows) : g.rows * (i + 1) / cuts;
      const std::int64_t tall = limits_.level ? height : end - begin;
      blocks.push_back({g.expert, g.begin + begin, end - begin, place, tall});
      place += tall;
      ++chunks.back().blocks;
      chunks.back().rows += tall;
    }
  }
  // The small ones fill the gaps at the end. Equal ones stay in the order of their weights.
  std::ranges::sort(by_size, [&](std::int64_t a, std::int64_t b) {
    return chunks[a].rows != chunks[b].rows ? chunks[a].rows > chunks[b].rows : a < b;
  });
}

}  // namespace moe::cpu
