// The sm_90a products: one persistent, warp-specialised kernel. A block takes tiles of 128 x 128
// until none is left; its first warpgroup fetches, two others multiply.
#pragma once
#include "kernels/cuda/detail/hopper_consumer.cuh"
#include "kernels/cuda/detail/hopper_producer.cuh"
#include "kernels/cuda/detail/product_output.cuh"

namespace moe::cuda::hopper {

// Sums as mma.sync and wgmma leave them in a warp: 16 rows from `slot`, 8 kGroups columns from
// `column`; sum 4 j + 2 half + i is row lane / 4 + 8 half, column 8 j + lane % 4 * 2 + i.
template <DType kType, int kGroups>
__device__ __forceinline__ void put_sums(const Output& out, const Tile& tile, std::int32_t slot,
                                         std::int32_t column, const float (&sum)[kGroups * 4]) {
  constexpr int kTogether = kGroups % 4 == 0 ? 4 : kGroups;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  if (slot >= tile.end) return;  // the whole warp
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const OutputRow row = output_row(out, slot + lane / 4 + half * 8, tile.end);
#pragma unroll
    for (int j = 0; j < kGroups; j += kTogether) {
      float2 pair[kTogether];
#pragma unroll
      for (int i = 0; i < kTogether; ++i) {
        pair[i] = {sum[(j + i) * 4 + half * 2], sum[(j + i) * 4 + half * 2 + 1]};
        if constexpr (kType == DType::kE4m3) {
          const float2 scale = column_scales(out, tile.expert, column + (j + i) * 8 + lane % 4 * 2);
          pair[i].x *= row.scale * scale.x;
          pair[i].y *= row.scale * scale.y;
        }
      }
      if constexpr (kTogether == 4) {
        if (is_for_quads(out, column + j * 8)) {
          output_quad(out, row, column + j * 8, pair);
          continue;
        }
      }
#pragma unroll
      for (int i = 0; i < kTogether; ++i) {
        output_pair(out, row, column + (j + i) * 8 + lane % 4 * 2, pair[i].x, pair[i].y);
      }
    }
  }
}

// 64 rows and 128 columns a warpgroup.
template <DType kType>
__device__ __forceinline__ void consume_wide(const Arguments& arguments, Ring& ring,
                                             RingPosition& at, const Tile& tile, int warp) {
  const int group = warp / 4;
  const bool gathered = arguments.product.in.a_row != nullptr;
  if (rows_of(tile) <= 64 * group) return pass_stages(ring, at, arguments.steps);
  float sum[64] = {};
  if constexpr (kCarriesSums<kType>) {
    multiply_wide_carrying<kType>(ring, at, arguments.steps, group, gathered, sum);
  } else {
    multiply_wide<kType>(ring, at, arguments.steps, group, gathered, sum);
  }
  put_sums<kType, 16>(arguments.product.out, tile, tile.slot + warp * 16, tile.column, sum);
}

// All rows and 16 columns a warp.
template <DType kType>
__device__ __forceinline__ void consume_narrow(const Arguments& arguments, Ring& ring,
                                               RingPosition& at, const Tile& tile, int warp) {
  float sum[kMostGranules][2][4] = {};
  multiply_narrow<kType>(ring, at, arguments.steps, warp, granules_of<true>(tile), sum);
#pragma unroll
  for (int i = 0; i < kMostGranules; ++i) {
    float flat[8];
#pragma unroll
    for (int j = 0; j < 8; ++j) flat[j] = sum[i][j / 4][j % 4];
    put_sums<kType, 2>(arguments.product.out, tile, tile.slot + i * kGranuleRows,
                       tile.column + warp * 16, flat);
  }
}

template <DType kType, bool kMixed>
__device__ __forceinline__ void consume_tiles(const Arguments& arguments, Ring& ring) {
  const int warp = __shfl_sync(0xffffffffu, static_cast<int>(threadIdx.x) / 32, 0) - 4;
  const TilesOfBlock tiles(arguments.product.in, ring.queue);
  RingPosition at;
  for (int t = static_cast<int>(blockIdx.x); t < tiles.size(); t += static_cast<int>(gridDim.x)) {
    const Tile tile = tiles.at(t);
    if constexpr (kMixed) {
      if (granules_of<kMixed>(tile) != 0) {
        consume_narrow<kType>(arguments, ring, at, tile, warp);
        continue;
      }
    }
    consume_wide<kType>(arguments, ring, at, tile, warp);
  }
}

template <DType kType, bool kMixed>
__global__ void __launch_bounds__(kThreads, 1)
    product_kernel(const __grid_constant__ Arguments arguments) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  const Operands& in = arguments.product.in;
  Ring& ring = ring_of_block();
  const bool gathered = in.a_row != nullptr;
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < kStages; ++stage) {
      mbarrier_init(&ring.full[stage], gathered ? 1 + 128 : 1);
      mbarrier_init(&ring.empty[stage], kConsumerWarps);
    }
    fence_mbarrier_init();
    fence_async_proxy();
    tensor_prefetch_map(&arguments.b);
  }
  ring.queue.fill(in.count, in.experts, kTileRows);
  if (threadIdx.x < 128) {
    give_up_registers<56>();
    if (gathered) {
      fetch_gathered<kType, kMixed>(arguments, ring);
    } else if (threadIdx.x == 0) {
      fetch_contiguous<kType, kMixed>(arguments, ring);
    }
  } else {
    take_registers<224>();
    consume_tiles<kType, kMixed>(arguments, ring);
  }
#endif
}

}  // namespace moe::cuda::hopper
