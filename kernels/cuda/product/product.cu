#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

#include "kernels/cuda/detail/device.h"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/product/product.h"
#include "kernels/cuda/product/product_arguments.h"
#include "kernels/cuda/product/product_hopper.h"
#include "kernels/cuda/product/tile_queue.cuh"

namespace moe::cuda {
namespace {

constexpr std::int64_t kInt32Max = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMostTiles = std::int64_t{1} << 30;  // a block's next tile is an int32, too

int bytes_of(DType dtype) {
  if (dtype == DType::kE4m3) return 1;
  return dtype == DType::kBf16 || dtype == DType::kF16 ? 2 : 4;
}

std::string text(std::string_view words) { return std::string(words); }

void require(bool right, std::string_view what) {
  if (!right) throw std::invalid_argument(text("grouped product: ").append(what));
}

bool is_aligned(const void* pointer, std::int64_t bytes_of_row) {
  return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0 && bytes_of_row % 16 == 0;
}

void check_product(const GroupedProduct& p) {
  const int bytes = bytes_of(p.dtype);
  require(p.experts >= 1 && p.experts <= kMostExperts, "experts must be 1 to 1024");
  require(p.columns >= 1 && p.columns <= kInt32Max, "columns must be 1 to 2^31 - 1");
  require(p.depth >= 1 && p.depth <= kInt32Max, "depth must be 1 to 2^31 - 1");
  require(p.most_rows >= 0 && p.most_rows <= kInt32Max, "most_rows must be 0 to 2^31 - 1");
  require(p.a_stride >= p.depth && is_aligned(p.a, p.a_stride * bytes),
          "rows of A must begin at multiples of 16 bytes and hold the depth");
  require(p.b_stride >= p.depth && is_aligned(p.b, p.b_stride * bytes),
          "rows of B must begin at multiples of 16 bytes and hold the depth");
  require(p.c_type != DType::kE4m3, "C cannot be e4m3");
  require(p.epilogue != Epilogue::kSwiglu || p.columns % 2 == 0,
          "columns come in pairs of gate and up, so their number must be even");
  require(
      p.epilogue != Epilogue::kScatterAdd ||
          (p.c_type == DType::kF32 && p.token_of_slot != nullptr && p.weight_of_slot != nullptr),
      "scattering adds to f32 and needs a token and a weight of each slot");
  require(p.dtype != DType::kE4m3 || (p.a_scale != nullptr && p.b_scale != nullptr),
          "e4m3 needs the scales of A and B");
}

}  // namespace

ProductArguments product_arguments(const GroupedProduct& p) {
  check_product(p);
  const int bytes = bytes_of(p.dtype);
  const bool scaled = p.dtype == DType::kE4m3;
  return {.in = {.a = static_cast<const std::uint8_t*>(p.a),
                 .a_row = p.a_row,
                 .b = static_cast<const std::uint8_t*>(p.b),
                 .a_stride = p.a_stride * bytes,
                 .b_stride = p.b_stride * bytes,
                 .depth = p.depth * bytes,
                 .columns = static_cast<std::int32_t>(p.columns),
                 .experts = p.experts,
                 .begin = p.begin,
                 .count = p.count},
          .out = {.epilogue = p.epilogue,
                  .type = p.c_type,
                  .aligned = is_aligned(p.c, p.c_stride * bytes_of(p.c_type)),
                  .columns = static_cast<std::int32_t>(p.columns),
                  .stride = p.c_stride,
                  .c = p.c,
                  .a_row = p.a_row,
                  .a_scale = scaled ? p.a_scale : nullptr,
                  .b_scale = scaled ? p.b_scale : nullptr,
                  .token_of_slot = p.token_of_slot,
                  .weight_of_slot = p.weight_of_slot}};
}

std::int32_t most_tiles(const GroupedProduct& p, int rows_a_tile, int columns_a_tile) {
  // A tile has at least one row, and a group at most one tile that is not full.
  const std::int64_t row_tiles = std::min(p.most_rows, p.most_rows / rows_a_tile + p.experts);
  const std::int64_t tiles = row_tiles * ((p.columns + columns_a_tile - 1) / columns_a_tile);
  require(tiles <= kMostTiles, "there are more than 2^30 tiles");
  return static_cast<std::int32_t>(tiles);
}

std::string_view to_string(ProductKernel kernel) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "fma", "mma-16", "mma-64", "mma-128", "swapped", "wgmma", "mixed"};
  return kNames[static_cast<std::size_t>(kernel)];
}

std::int64_t tile_rows(ProductKernel kernel) {
  // swapped: tiles of 16 rows, but where no more than 8 are left only 8 are multiplied. mixed: the
  // shortest.
  static constexpr std::array<std::int64_t, 7> kRows = {64, 16, 64, 128, 8, 128, 16};
  return kRows[static_cast<std::size_t>(kernel)];
}

std::int64_t rows_multiplied(ProductKernel kernel, std::int64_t rows) {
  const auto up_to = [](std::int64_t count, std::int64_t tile) {
    return (count + tile - 1) / tile * tile;
  };
  if (kernel == ProductKernel::kWgmma) return up_to(rows, hopper::kGroupRows);
  if (kernel != ProductKernel::kMixed) return up_to(rows, tile_rows(kernel));
  const std::int64_t last = rows % hopper::kTileRows;
  if (last > hopper::kNarrowRows) return up_to(rows, hopper::kTileRows);
  return rows - last + up_to(last, hopper::kGranuleRows);
}

std::optional<std::string> product_unsupported(ProductKernel kernel, DType dtype) {
  if (const auto none = moe::cuda::device().unusable()) return none;
  const DeviceTraits& device = device_traits();
  if (is_integer(dtype)) {
    return text("no kernel here multiplies ").append(to_string(dtype)).append(": CPUs alone do");
  }
  if (kernel == ProductKernel::kFma) {
    if (dtype == DType::kF32) return std::nullopt;
    return text("fma multiplies f32 only, not ").append(to_string(dtype));
  }
  if (dtype == DType::kF32) return text(to_string(kernel)).append(": tensor cores have no f32");
  if ((kernel == ProductKernel::kWgmma || kernel == ProductKernel::kMixed) && !device.has_wgmma()) {
    return text(to_string(kernel)).append(" needs sm_90: no other architecture has wgmma");
  }
  if (dtype == DType::kE4m3 && !device.has_e4m3()) {
    return text("e4m3 needs sm_89 or later: this device's tensor cores do not have it");
  }
  return std::nullopt;
}

ProductKernel widest_product(DType dtype) {
  if (dtype == DType::kF32) return ProductKernel::kFma;
  return device_traits().has_wgmma() ? ProductKernel::kWgmma : ProductKernel::kMma128;
}

void grouped_product(const GroupedProduct& product, ProductKernel kernel, cudaStream_t stream) {
  if (const auto reason = product_unsupported(kernel, product.dtype)) {
    throw std::invalid_argument(*reason);
  }
  switch (kernel) {
    case ProductKernel::kFma:
      return product_fma(product, stream);
    case ProductKernel::kMma16:
    case ProductKernel::kMma64:
    case ProductKernel::kMma128:
      return product_mma(product, kernel, stream);
    case ProductKernel::kSwapped:
      return product_swapped(product, stream);
    case ProductKernel::kWgmma:
      return product_wgmma(product, stream);
    case ProductKernel::kMixed:
      return product_mixed(product, stream);
  }
}

}  // namespace moe::cuda
