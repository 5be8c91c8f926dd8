// The operands change places: columns of B are the tall side of mma.sync, rows of A the narrow one.
// With a few rows an expert the time is that of reading the weights, and all there is to win is to
// have many bytes of them in flight and to multiply few rows of nothing.
#include <stdexcept>

#include "kernels/cuda/product/product_launch.cuh"
#include "kernels/cuda/product/product_output.cuh"
#include "kernels/cuda/product/product_ring.cuh"

namespace moe::cuda {
namespace {

// 16 rows, 64 columns; a warp has 16 of the columns. Six of seven stages are in flight, 48 KiB of
// weights a block; two blocks fit a multiprocessor of sm_80, three one of sm_90.
using Shape = RingShape<16, 64, 128, 7>;
constexpr int kWide = 2;  // fragments of 8 rows of A

// One stage. Fragments beyond `wide` hold no row of the group.
template <DType kType>
__device__ __forceinline__ void multiply(float (&sum)[kWide][4], const unsigned char* stage,
                                         int wide) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int column = warp * 16 + lane % 16;
  const int row = lane / 16 * 8 + lane % 8;
#pragma unroll
  for (int slice = 0; slice < 4; ++slice) {
    std::uint32_t weights[4], tokens[4];
    load_matrices(weights, stage + Shape::kBytesOfA + turned(column, slice * 2 + lane / 16, lane));
    load_matrices(tokens, stage + turned(row, slice * 2 + lane / 8 % 2, lane));
    mma<kType>(sum[0], weights, tokens[0], tokens[1]);
    if (wide > 1) mma<kType>(sum[1], weights, tokens[2], tokens[3]);
  }
}

// A lane's sums are of columns l / 4 and l / 4 + 8 and of two neighbouring rows; the epilogues want
// two neighbouring columns of one row. Lanes l and l + 4 have the other's missing half.
template <DType kType>
__device__ __forceinline__ void put_out(const Output& out, const Tile& tile,
                                        const float (&sum)[kWide][4]) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const bool odd = lane / 4 % 2 == 1;
#pragma unroll
  for (int j = 0; j < kWide; ++j) {
    const std::int32_t slot = tile.slot + j * 8 + lane % 4 * 2 + odd;
    const OutputRow row = output_row(out, slot, tile.end);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float first = sum[j][half * 2], second = sum[j][half * 2 + 1];
      const float other = __shfl_xor_sync(0xffffffffu, odd ? first : second, 4);
      const std::int32_t column = tile.column + warp * 16 + half * 8 + lane / 8 * 2;
      float2 pair = {odd ? other : first, odd ? second : other};
      if constexpr (kType == DType::kE4m3) {
        const float2 scale = column_scales(out, tile.expert, column);
        pair.x *= row.scale * scale.x;
        pair.y *= row.scale * scale.y;
      }
      output_pair(out, row, column, pair.x, pair.y);
    }
  }
}

template <DType kType>
__global__ void __launch_bounds__(Shape::kThreads, 2)
    swapped_kernel(const __grid_constant__ ProductArguments p) {
  extern __shared__ __align__(128) unsigned char memory[];
  __shared__ TileQueue queue;
  queue.fill(p.in.count, p.in.experts, Shape::kRows);
  const Tiles<Shape::kRows, Shape::kColumns> tiles(p.in, queue);
  Ring<Shape> ring(p.in, tiles, memory);
  const auto steps = static_cast<int>((p.in.depth + Shape::kRowBytes - 1) / Shape::kRowBytes);

  for (int index = static_cast<int>(blockIdx.x); index < tiles.size(); index += gridDim.x) {
    const Tile tile = tiles.at(index);
    const int wide = tile.end - tile.slot > 8 ? 2 : 1;
    float sum[kWide][4] = {};
    for (int step = 0; step < steps; ++step) multiply<kType>(sum, ring.take(), wide);
    put_out<kType>(p.out, tile, sum);
  }
}

}  // namespace

void product_swapped(const GroupedProduct& product, cudaStream_t stream) {
  switch (product.dtype) {
    case DType::kBf16:
      return launch_product<swapped_kernel<DType::kBf16>, Shape>(product, stream);
    case DType::kF16:
      return launch_product<swapped_kernel<DType::kF16>, Shape>(product, stream);
    case DType::kTf32:
      return launch_product<swapped_kernel<DType::kTf32>, Shape>(product, stream);
    case DType::kE4m3:
      return launch_product<swapped_kernel<DType::kE4m3>, Shape>(product, stream);
    case DType::kF32:
    case DType::kInt8:
    case DType::kInt4:
      throw std::invalid_argument("no tensor-core kernel for this dtype");
  }
}

}  // namespace moe::cuda
