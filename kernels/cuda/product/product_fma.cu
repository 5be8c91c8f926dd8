// f32 on the FMA units: the products of the architecture that have no tensor core.
#include "kernels/cuda/product/product_launch.cuh"
#include "kernels/cuda/product/product_output.cuh"
#include "kernels/cuda/product/product_ring.cuh"

namespace moe::cuda {
namespace {

// 128 threads, 8 rows x 4 columns each: 12 loads of 16 bytes for 128 multiplications. 33 KiB of
// stages: four blocks a multiprocessor of sm_80.
using Shape = RingShape<64, 64, 128, 2, true>;
constexpr int kTall = 8, kWide = 4;

// The column of the j-th sum of a thread: pairs, for the epilogue that needs gate and up together.
__device__ __forceinline__ int column_of(int j) {
  return static_cast<int>(threadIdx.x) % 16 * 2 + j / 2 * 32 + j % 2;
}
// The row of the i-th.
__device__ __forceinline__ int row_of(int i) { return static_cast<int>(threadIdx.x) / 16 + i * 8; }

__device__ __forceinline__ void add_products(float& sum, const float4& a, const float4& b) {
  sum = fmaf(a.x, b.x, sum);
  sum = fmaf(a.y, b.y, sum);
  sum = fmaf(a.z, b.z, sum);
  sum = fmaf(a.w, b.w, sum);
}

// One stage: 32 of depth.
__device__ __forceinline__ void multiply(float (&sum)[kTall][kWide], const unsigned char* stage) {
  const int row_key = row_of(0), column_key = column_of(0) / 2;
#pragma unroll 2
  for (int piece = 0; piece < 8; ++piece) {
    float4 b[kWide];
#pragma unroll
    for (int j = 0; j < kWide; ++j) {
      b[j] = *reinterpret_cast<const float4*>(stage + Shape::kBytesOfA +
                                              turned(column_of(j), piece, column_key));
    }
#pragma unroll
    for (int i = 0; i < kTall; ++i) {
      const float4 a = *reinterpret_cast<const float4*>(stage + turned(row_of(i), piece, row_key));
#pragma unroll
      for (int j = 0; j < kWide; ++j) add_products(sum[i][j], a, b[j]);
    }
  }
}

__global__ void __launch_bounds__(Shape::kThreads, 4)
    fma_kernel(const __grid_constant__ ProductArguments p) {
  extern __shared__ __align__(128) unsigned char memory[];
  __shared__ TileQueue queue;
  queue.fill(p.in.count, p.in.experts, Shape::kRows);
  const Tiles<Shape::kRows, Shape::kColumns> tiles(p.in, queue);
  Ring<Shape> ring(p.in, tiles, memory);
  const auto steps = static_cast<int>((p.in.depth + Shape::kRowBytes - 1) / Shape::kRowBytes);

  for (int index = static_cast<int>(blockIdx.x); index < tiles.size(); index += gridDim.x) {
    float sum[kTall][kWide] = {};
    for (int step = 0; step < steps; ++step) multiply(sum, ring.take());

    const Tile tile = tiles.at(index);
#pragma unroll
    for (int i = 0; i < kTall; ++i) {
      const OutputRow row = output_row(p.out, tile.slot + row_of(i), tile.end);
#pragma unroll
      for (int j = 0; j < kWide; j += 2) {
        output_pair(p.out, row, tile.column + column_of(j), sum[i][j], sum[i][j + 1]);
      }
    }
  }
}

}  // namespace

void product_fma(const GroupedProduct& product, cudaStream_t stream) {
  launch_product<fma_kernel, Shape>(product, stream);
}

}  // namespace moe::cuda
