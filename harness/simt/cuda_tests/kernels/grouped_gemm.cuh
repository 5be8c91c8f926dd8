// C[M, N] = rows of A[M, K] times the matrix B[e][N, K]^T of the expert e whose rows they are. bf16
// in, f32 out; mma.sync m16n8k16 fed by ldmatrix from a ring of shared-memory stages that cp.async
// fills.
#pragma once
#include <cuda_bf16.h>

#include "harness/simt/cuda_tests/kernels/ptx.cuh"

namespace moe::simt::kernels {

// A block computes kRows x kColumns of C, a warp kWarpRows x kWarpColumns of that, 64 of K at a
// time.
template <int kRowsOf, int kColumnsOf, int kWarpRowsOf, int kWarpColumnsOf, int kStagesOf>
struct GemmTile {
  static constexpr int kRows = kRowsOf, kColumns = kColumnsOf, kDepth = 64;
  static constexpr int kWarpRows = kWarpRowsOf, kWarpColumns = kWarpColumnsOf, kStages = kStagesOf;
  static constexpr int kWarpsAcross = kColumns / kWarpColumns;
  static constexpr int kThreads = kRows / kWarpRows * kWarpsAcross * 32;
  static constexpr int kRowBytes = kDepth * 2;
  static constexpr int kStageBytes = (kRows + kColumns) * kRowBytes;
  static constexpr int kSharedBytes = kStages * kStageBytes;
};

// Where 16-byte piece `piece` of a 128-byte row lies: turned by the row, so that eight rows of one
// piece fall into different banks.
__device__ __forceinline__ int swizzled(int row, int piece) {
  return row * 128 + ((piece ^ (row % 8)) * 16);
}

// The expert and the first row of this block's tile of rows; false where there are no more tiles.
__device__ __forceinline__ bool find_tile(const int* offsets, int experts, int tile_rows,
                                          int* expert, int* first_row) {
  int tile = static_cast<int>(blockIdx.y);
  for (int e = 0; e < experts; ++e) {
    const int tiles = (offsets[e + 1] - offsets[e] + tile_rows - 1) / tile_rows;
    if (tile < tiles) {
      *expert = e;
      *first_row = offsets[e] + tile * tile_rows;
      return true;
    }
    tile -= tiles;
  }
  return false;
}

// Rows [first, limit) of a matrix with `depth` columns, from column `k`, to `rows` rows in shared
// memory.
template <class Tile>
__device__ __forceinline__ void copy_rows(unsigned char* to, const __nv_bfloat16* matrix, int first,
                                          int limit, int rows, int depth, int k) {
  for (int i = threadIdx.x; i < rows * 8; i += Tile::kThreads) {
    const int row = i / 8, piece = i % 8;
    const bool there = first + row < limit;
    const __nv_bfloat16* from =
        matrix + static_cast<std::size_t>(there ? first + row : first) * depth + k + piece * 8;
    copy_async_16(to + swizzled(row, piece), from, there ? 16 : 0);
  }
}

template <class Tile>
__global__ void __launch_bounds__(Tile::kThreads)
    grouped_gemm(const __nv_bfloat16* __restrict__ a, const __nv_bfloat16* __restrict__ b,
                 const int* __restrict__ offsets, int experts, int n, int k,
                 float* __restrict__ c) {
  extern __shared__ __align__(128) unsigned char ring[];
  int expert = 0, first_row = 0;
  if (!find_tile(offsets, experts, Tile::kRows, &expert, &first_row)) return;
  const int last_row = offsets[expert + 1];
  const int first_column = static_cast<int>(blockIdx.x) * Tile::kColumns;
  const __nv_bfloat16* weights = b + static_cast<std::size_t>(expert) * n * k;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int warp_row = warp / Tile::kWarpsAcross * Tile::kWarpRows;
  const int warp_column = warp % Tile::kWarpsAcross * Tile::kWarpColumns;

  auto load_stage = [&](int step) {
    unsigned char* stage = ring + step % Tile::kStages * Tile::kStageBytes;
    copy_rows<Tile>(stage, a, first_row, last_row, Tile::kRows, k, step * Tile::kDepth);
    copy_rows<Tile>(stage + Tile::kRows * Tile::kRowBytes, weights, first_column, n, Tile::kColumns,
                    k, step * Tile::kDepth);
  };
  const int steps = k / Tile::kDepth;
  for (int step = 0; step < Tile::kStages - 1; ++step) {
    if (step < steps) load_stage(step);
    copy_async_commit();
  }

  constexpr int kTall = Tile::kWarpRows / 16, kWide = Tile::kWarpColumns / 8;
  float sum[kTall][kWide][4] = {};
  for (int step = 0; step < steps; ++step) {
    copy_async_wait<Tile::kStages - 2>();
    __syncthreads();
    if (step + Tile::kStages - 1 < steps) load_stage(step + Tile::kStages - 1);
    copy_async_commit();

    const unsigned char* stage_a = ring + step % Tile::kStages * Tile::kStageBytes;
    const unsigned char* stage_b = stage_a + Tile::kRows * Tile::kRowBytes;
#pragma unroll
    for (int slice = 0; slice < Tile::kDepth / 16; ++slice) {
      std::uint32_t fa[kTall][4], fb[kWide / 2][4];
#pragma unroll
      for (int i = 0; i < kTall; ++i) {
        const int row = warp_row + i * 16 + lane % 16;
        load_matrices(fa[i], stage_a + swizzled(row, slice * 2 + lane / 16));
      }
#pragma unroll
      for (int j = 0; j < kWide / 2; ++j) {
        const int row = warp_column + j * 16 + lane / 16 * 8 + lane % 8;
        load_matrices(fb[j], stage_b + swizzled(row, slice * 2 + lane / 8 % 2));
      }
#pragma unroll
      for (int i = 0; i < kTall; ++i) {
#pragma unroll
        for (int j = 0; j < kWide; ++j) {
          mma_bf16(sum[i][j], fa[i], fb[j / 2][j % 2 * 2], fb[j / 2][j % 2 * 2 + 1]);
        }
      }
    }
  }

#pragma unroll
  for (int i = 0; i < kTall; ++i) {
#pragma unroll
    for (int j = 0; j < kWide; ++j) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = first_row + warp_row + i * 16 + half * 8 + lane / 4;
        const int column = first_column + warp_column + j * 8 + lane % 4 * 2;
        if (row < last_row && column < n) {
          *reinterpret_cast<float2*>(c + static_cast<std::size_t>(row) * n + column) =
              float2{sum[i][j][half * 2], sum[i][j][half * 2 + 1]};
        }
      }
    }
  }
}

}  // namespace moe::simt::kernels
