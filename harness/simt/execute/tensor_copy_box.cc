// Boxes of tensors, row by row.
#include "harness/simt/execute/tensor_copy_box.h"

#include <algorithm>

namespace moe::simt {
namespace {

// Where the row of elements at `position` (of dimensions 1 and up) lies; all outside: inside is 0.
BoxRow row_at(const TensorMap& map, std::int64_t first, const std::int64_t* position) {
  const std::int64_t elements = map.copied(0);
  const int width = element_bytes(map.element);
  BoxRow row;
  bool outside = false;
  std::int64_t address = 0;
  for (int dim = 1; dim < map.rank; ++dim) {
    outside |= position[dim] < 0 || position[dim] >= static_cast<std::int64_t>(map.size(dim));
    address += position[dim] * static_cast<std::int64_t>(map.strides[dim - 1]);
  }
  const std::int64_t size = static_cast<std::int64_t>(map.size(0));
  const std::int64_t begin = std::clamp<std::int64_t>(-first, 0, elements);
  const std::int64_t end =
      outside ? begin : std::clamp<std::int64_t>(size - first, begin, elements);
  row.before = static_cast<std::uint32_t>(begin * width);
  row.inside = static_cast<std::uint32_t>((end - begin) * width);
  row.after = static_cast<std::uint32_t>((elements - end) * width);
  if (row.inside > 0) {
    row.address = map.address + static_cast<std::uint64_t>(address + (first + begin) * width);
  }
  return row;
}

}  // namespace

std::vector<BoxRow> box_rows(const TensorMap& map, const std::int32_t* coordinates) {
  std::vector<BoxRow> rows;
  const std::uint32_t row_bytes =
      map.copied(0) * static_cast<std::uint32_t>(element_bytes(map.element));
  std::uint32_t index[kMostTensorDims] = {};
  for (std::uint32_t begin = 0; begin < map.box_bytes(); begin += row_bytes) {
    std::int64_t position[kMostTensorDims] = {};
    for (int dim = 1; dim < map.rank; ++dim) {
      position[dim] =
          std::int64_t{coordinates[dim]} + std::int64_t{index[dim]} * map.element_strides[dim];
    }
    rows.push_back(row_at(map, coordinates[0], position));
    rows.back().begin = begin;
    for (int dim = 1; dim < map.rank; ++dim) {  // the next row
      if (++index[dim] < map.copied(dim)) break;
      index[dim] = 0;
    }
  }
  return rows;
}

std::vector<BoxPiece> box_pieces(const TensorMap& map, std::uint32_t shared_address,
                                 std::uint32_t begin, std::uint32_t bytes) {
  const Swizzle swizzle = chunk_swizzle(map.swizzle);
  if (swizzle == Swizzle::kNone) return {{shared_address + begin, begin, bytes}};
  constexpr std::uint32_t kChunk = 16;
  std::vector<BoxPiece> pieces;
  const std::uint32_t end = begin + bytes;
  while (begin < end) {
    const std::uint32_t length = std::min(end - begin, kChunk - begin % kChunk);
    pieces.push_back({swizzled(shared_address + begin, swizzle), begin, length});
    begin += length;
  }
  return pieces;
}

bool fills_its_range(const TensorMap& map) {
  return map.box_bytes() % row_bytes(chunk_swizzle(map.swizzle)) == 0;
}

std::uint64_t fill_pattern(const TensorMap& map) {
  if (map.fill == TensorFill::kZero) return 0;
  switch (element_bytes(map.element)) {
    case 2:
      return 0x7fff7fff7fff7fffull;
    case 4:
      return 0x7fffffff7fffffffull;
    default:
      return 0x7fffffffffffffffull;
  }
}

}  // namespace moe::simt
