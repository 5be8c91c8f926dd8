#include <algorithm>
#include <stdexcept>

#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/product/hopper_tiles.cuh"
#include "kernels/cuda/product/product_arguments.h"
#include "kernels/cuda/product/product_hopper.h"
#include "kernels/cuda/product/tensor_map.h"

namespace moe::cuda {

hopper::Arguments hopper_arguments(const GroupedProduct& p) {
  if (!device_traits().has_wgmma()) {
    throw std::invalid_argument("wgmma needs a device of compute capability 9.0");
  }
  hopper::Arguments arguments{};
  arguments.product = product_arguments(p);
  if (p.a_row == nullptr) {
    TensorMapRequest rows{p.a, p.dtype, 0, p.a_rows, p.depth, p.a_stride, hopper::kGroupRows};
    arguments.a = make_tensor_map(rows);
    rows.box_rows = hopper::kGranuleRows;
    arguments.a_granule = make_tensor_map(rows);
  }
  arguments.b = make_tensor_map(
      {p.b, p.dtype, p.experts, p.columns, p.depth, p.b_stride, hopper::kTileColumns});
  const std::int64_t depth_bytes = arguments.product.in.depth;
  arguments.steps = static_cast<int>((depth_bytes + hopper::kRowBytes - 1) / hopper::kRowBytes);
  return arguments;
}

int hopper_blocks(const GroupedProduct& p) {
  return std::min(device_traits().multiprocessors,
                  most_tiles(p, hopper::kTileRows, hopper::kTileColumns));
}

}  // namespace moe::cuda
