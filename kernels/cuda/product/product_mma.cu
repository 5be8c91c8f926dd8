// Grouped products on tensor cores that every architecture has: mma.sync, fed by cp.async and
// ldmatrix.
#include <stdexcept>

#include "kernels/cuda/product/product_launch.cuh"
#include "kernels/cuda/product/product_output.cuh"
#include "kernels/cuda/product/product_ring.cuh"

namespace moe::cuda {
namespace {

// Warps stand `kDown` x `kAcross`; each computes kTall x 16 rows and 32 columns.
template <int kTallOf, int kDownOf, int kAcrossOf, int kStages>
struct MmaShape
    : RingShape<kTallOf * kDownOf * 16, kAcrossOf * 32, kDownOf * kAcrossOf * 32, kStages> {
  static constexpr int kTall = kTallOf, kAcross = kAcrossOf;
};
// Two blocks a multiprocessor hold 144 KiB (sm_80 has 164, sm_90 and later 228) with 64 rows and
// with 16, of which more is in flight as there is less to multiply; with 128 rows 192 KiB, so that
// sm_80 holds one.
using Shape16 = MmaShape<1, 1, 4, 4>;
using Shape64 = MmaShape<4, 1, 4, 3>;
using Shape128 = MmaShape<4, 2, 4, 3>;

constexpr int kWide = 4;  // fragments of 8 columns

template <class Shape>
struct WarpPlace {
  int row, column;  // of the tile
  __device__ WarpPlace()
      : row(static_cast<int>(threadIdx.x) / 32 / Shape::kAcross * Shape::kTall * 16),
        column(static_cast<int>(threadIdx.x) / 32 % Shape::kAcross * 32) {}
};

// One stage: four slices of 32 bytes of depth.
template <DType kType, class Shape>
__device__ __forceinline__ void multiply(float (&sum)[Shape::kTall][kWide][4],
                                         const unsigned char* stage) {
  const WarpPlace<Shape> warp;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int row = warp.row + lane % 16;
  const int column = warp.column + lane / 16 * 8 + lane % 8;
  // sm_90 makes f16 of e4m3 first: with all slices at once there are more than it has registers.
  constexpr int kSlicesAtOnce = kType == DType::kE4m3 ? 1 : 4;
#pragma unroll kSlicesAtOnce
  for (int slice = 0; slice < 4; ++slice) {
    std::uint32_t a[Shape::kTall][4], b[kWide / 2][4];
#pragma unroll
    for (int i = 0; i < Shape::kTall; ++i) {
      load_matrices(a[i], stage + turned(row + i * 16, slice * 2 + lane / 16, lane));
    }
#pragma unroll
    for (int j = 0; j < kWide / 2; ++j) {
      load_matrices(
          b[j], stage + Shape::kBytesOfA + turned(column + j * 16, slice * 2 + lane / 8 % 2, lane));
    }
#pragma unroll
    for (int i = 0; i < Shape::kTall; ++i) {
#pragma unroll
      for (int j = 0; j < kWide; ++j) {
        mma<kType>(sum[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
      }
    }
  }
}

// A row's 32 columns.
__device__ __forceinline__ void put_row(const Output& out, const OutputRow& row,
                                        std::int32_t column, const float2 (&pair)[kWide]) {
  if (is_for_quads(out, column)) return output_quad(out, row, column, pair);
  const int lane = static_cast<int>(threadIdx.x) % 4;
#pragma unroll
  for (int j = 0; j < kWide; ++j) {
    output_pair(out, row, column + j * 8 + lane * 2, pair[j].x, pair[j].y);
  }
}

template <DType kType, class Shape>
__device__ __forceinline__ void put_out(const Output& out, const Tile& tile,
                                        const float (&sum)[Shape::kTall][kWide][4]) {
  const WarpPlace<Shape> warp;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const std::int32_t column = tile.column + warp.column;
  float2 scale[kWide];
#pragma unroll
  for (int j = 0; j < kWide && kType == DType::kE4m3; ++j) {
    scale[j] = column_scales(out, tile.expert, column + j * 8 + lane % 4 * 2);
  }
#pragma unroll
  for (int i = 0; i < Shape::kTall; ++i) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const std::int32_t slot = tile.slot + warp.row + i * 16 + half * 8 + lane / 4;
      const OutputRow row = output_row(out, slot, tile.end);
      float2 pair[kWide];
#pragma unroll
      for (int j = 0; j < kWide; ++j) {
        pair[j] = {sum[i][j][half * 2], sum[i][j][half * 2 + 1]};
        if constexpr (kType == DType::kE4m3) {
          pair[j].x *= row.scale * scale[j].x;
          pair[j].y *= row.scale * scale[j].y;
        }
      }
      put_row(out, row, column, pair);
    }
  }
}

// Two blocks a multiprocessor; one where a second would cost e4m3 on sm_90 spilled registers.
template <DType kType, class Shape>
inline constexpr int kBlocks = kType == DType::kE4m3&& Shape::kThreads > 128 ? 1 : 2;

template <DType kType, class Shape>
__global__ void __launch_bounds__(Shape::kThreads, (kBlocks<kType, Shape>))
    mma_kernel(const __grid_constant__ ProductArguments p) {
  extern __shared__ __align__(128) unsigned char memory[];
  __shared__ TileQueue queue;
  queue.fill(p.in.count, p.in.experts, Shape::kRows);
  const Tiles<Shape::kRows, Shape::kColumns> tiles(p.in, queue);
  Ring<Shape> ring(p.in, tiles, memory);
  const auto steps = static_cast<int>((p.in.depth + Shape::kRowBytes - 1) / Shape::kRowBytes);

  for (int index = static_cast<int>(blockIdx.x); index < tiles.size(); index += gridDim.x) {
    float sum[Shape::kTall][kWide][4] = {};
    for (int step = 0; step < steps; ++step) multiply<kType, Shape>(sum, ring.take());
    put_out<kType, Shape>(p.out, tiles.at(index), sum);
  }
}

template <class Shape>
void launch(const GroupedProduct& product, cudaStream_t stream) {
  switch (product.dtype) {
    case DType::kBf16:
      return launch_product<mma_kernel<DType::kBf16, Shape>, Shape>(product, stream);
    case DType::kF16:
      return launch_product<mma_kernel<DType::kF16, Shape>, Shape>(product, stream);
    case DType::kTf32:
      return launch_product<mma_kernel<DType::kTf32, Shape>, Shape>(product, stream);
    case DType::kE4m3:
      return launch_product<mma_kernel<DType::kE4m3, Shape>, Shape>(product, stream);
    case DType::kF32:
    case DType::kInt8:
    case DType::kInt4:
      throw std::invalid_argument("no tensor-core kernel for this dtype");
  }
}

}  // namespace

void product_mma(const GroupedProduct& product, ProductKernel kernel, cudaStream_t stream) {
  switch (kernel) {
    case ProductKernel::kMma16:
      return launch<Shape16>(product, stream);
    case ProductKernel::kMma64:
      return launch<Shape64>(product, stream);
    default:
      return launch<Shape128>(product, stream);
  }
}

}  // namespace moe::cuda
