#include <algorithm>
#include <limits>
#include <stdexcept>

#include "kernels/cuda/detail/hopper_tiles.cuh"
#include "kernels/cuda/detail/product_hopper.h"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/tensor_map.h"

namespace moe::cuda {
namespace {

using hopper::kGranuleRows;
using hopper::kRowBytes;
using hopper::kTileColumns;
using hopper::kTileRows;

std::int64_t bytes_of(DType dtype) {
  if (dtype == DType::kE4m3) return 1;
  return dtype == DType::kBf16 || dtype == DType::kF16 ? 2 : 4;
}

std::int64_t tiles_of(std::int64_t size, std::int64_t tile) { return (size + tile - 1) / tile; }

// Each expert's last tile may be a short one.
std::int64_t most_tiles(const GroupedProduct& p) {
  return (p.most_rows / kTileRows + p.experts) * tiles_of(p.columns, kTileColumns);
}

bool is_aligned(const void* data, std::int64_t row_bytes) {
  return reinterpret_cast<std::uintptr_t>(data) % 16 == 0 && row_bytes % 16 == 0;
}

void expect(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

void check_product(const GroupedProduct& p) {
  const std::int64_t bytes = bytes_of(p.dtype);
  expect(device_traits().has_wgmma(), "wgmma needs a device of compute capability 9.0");
  expect(p.dtype != DType::kF32, "wgmma multiplies bf16, f16, tf32 and e4m3, not f32");
  expect(p.dtype != DType::kE4m3 || (p.a_scale != nullptr && p.b_scale != nullptr),
         "a product of e4m3 needs scales");
  expect(p.experts > 0 && p.experts <= kMostExperts, "a product has 1 to 1024 experts");
  expect(p.depth > 0, "a product needs a depth");
  expect(is_aligned(p.a, p.a_stride * bytes) && is_aligned(p.b, p.b_stride * bytes),
         "rows of A and B must begin at multiples of 16 bytes");
  expect(most_tiles(p) <= std::numeric_limits<int>::max(), "a product of 2^31 tiles or more");
}

}  // namespace

hopper::Arguments hopper_arguments(const GroupedProduct& p) {
  check_product(p);
  hopper::Arguments arguments{};
  if (p.a_row == nullptr) {
    TensorMapRequest rows{p.a, p.dtype, 0, p.a_rows, p.depth, p.a_stride, 64};
    arguments.a = make_tensor_map(rows);
    rows.box_rows = kGranuleRows;
    arguments.a_granule = make_tensor_map(rows);
  }
  arguments.b =
      make_tensor_map({p.b, p.dtype, p.experts, p.columns, p.depth, p.b_stride, kTileColumns});
  arguments.product = p;
  arguments.column_tiles = static_cast<int>(tiles_of(p.columns, kTileColumns));
  arguments.steps = static_cast<int>(tiles_of(p.depth * bytes_of(p.dtype), kRowBytes));
  const std::int64_t element = p.epilogue == Epilogue::kScatterAdd ? 4 : bytes_of(p.c_type);
  arguments.aligned = is_aligned(p.c, p.c_stride * element);
  return arguments;
}

int hopper_blocks(const GroupedProduct& p) {
  return static_cast<int>(std::min<std::int64_t>(device_traits().multiprocessors, most_tiles(p)));
}

}  // namespace moe::cuda
