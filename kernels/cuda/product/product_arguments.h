// What the kernels of product.h are given: a GroupedProduct, checked, with its strides in bytes.
#pragma once
#include <cstdint>

#include "kernels/cuda/product/product.h"

namespace moe::cuda {

// What is multiplied.
struct Operands {
  const std::uint8_t* a;
  const std::int32_t* a_row;  // may be null: no gather
  const std::uint8_t* b;
  std::int64_t a_stride, b_stride, depth;  // bytes
  std::int32_t columns;
  std::int32_t experts;
  const std::int32_t* begin;
  const std::int32_t* count;
};

// What becomes of the sums.
struct Output {
  Epilogue epilogue;
  DType type;
  bool aligned;  // every row begins at a multiple of 16 bytes
  std::int32_t columns;
  std::int64_t stride;  // elements
  void* c;
  const std::int32_t* a_row;
  const float* a_scale;  // null without scales
  const float* b_scale;
  const std::int32_t* token_of_slot;
  const float* weight_of_slot;
};

struct ProductArguments {
  Operands in;
  Output out;
};

// Throws std::invalid_argument where a size, a stride or a combination cannot be multiplied.
ProductArguments product_arguments(const GroupedProduct& product);

// The most tiles there can be: the host does not know how many rows each group has. Throws
// std::invalid_argument where there would be more than 2^30.
std::int32_t most_tiles(const GroupedProduct& product, int rows_a_tile, int columns_a_tile);

}  // namespace moe::cuda
