// The sm_90a products: one persistent, warp-specialised kernel. A block takes tiles of 128 x 128
// until none is left; its first warpgroup fetches, two others multiply.
#pragma once
#include "kernels/cuda/detail/hopper_consumer.cuh"
#include "kernels/cuda/detail/hopper_epilogue.cuh"
#include "kernels/cuda/detail/hopper_producer.cuh"

namespace moe::cuda::hopper {

// 64 rows and 128 columns a warpgroup.
template <class T>
__device__ __forceinline__ void consume_wide(const Arguments& arguments, Ring& ring,
                                             RingPosition& at, const Tile& tile, int warp) {
  const int group = warp / 4;
  const bool gathered = arguments.product.a_row != nullptr;
  if (tile.rows <= 64 * group) return pass_stages(ring, at, arguments.steps);
  float sum[64] = {};
  if constexpr (kCarriesSums<T>) {
    multiply_wide_carrying<T>(ring, at, arguments.steps, group, gathered, sum);
  } else {
    multiply_wide<T>(ring, at, arguments.steps, group, gathered, sum);
  }
  const SumsPlace place = {tile.expert, tile.first_slot + warp * 16, tile.rows - warp * 16,
                           tile.first_column};
  finish_sums<T>(arguments, place, sum);
}

// All rows and 16 columns a warp.
template <class T>
__device__ __forceinline__ void consume_narrow(const Arguments& arguments, Ring& ring,
                                               RingPosition& at, const Tile& tile, int warp) {
  float sum[kMostGranules][8] = {};
  multiply_narrow<T>(ring, at, arguments.steps, warp, granules_of<true>(tile), sum);
#pragma unroll
  for (int i = 0; i < kMostGranules; ++i) {
    const SumsPlace place = {tile.expert, tile.first_slot + i * kGranuleRows,
                             tile.rows - i * kGranuleRows, tile.first_column + warp * 16};
    finish_sums<T>(arguments, place, sum[i]);
  }
}

template <class T, bool kMixed>
__device__ __forceinline__ void consume_tiles(const Arguments& arguments, Ring& ring) {
  const int warp = __shfl_sync(0xffffffffu, static_cast<int>(threadIdx.x) / 32, 0) - 4;
  RingPosition at;
  const int tiles = ring.queue.row_tiles(arguments.product.experts) * arguments.column_tiles;
  for (int t = static_cast<int>(blockIdx.x); t < tiles; t += static_cast<int>(gridDim.x)) {
    const Tile tile = locate_tile(arguments, ring.queue, t);
    if constexpr (kMixed) {
      if (granules_of<kMixed>(tile) != 0) {
        consume_narrow<T>(arguments, ring, at, tile, warp);
        continue;
      }
    }
    consume_wide<T>(arguments, ring, at, tile, warp);
  }
}

template <class T, bool kMixed>
__global__ void __launch_bounds__(kThreads, 1)
    product_kernel(const __grid_constant__ Arguments arguments) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  Ring& ring = ring_of_block();
  const bool gathered = arguments.product.a_row != nullptr;
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < kStages; ++stage) {
      mbarrier_init(&ring.full[stage], gathered ? 1 + 128 : 1);
      mbarrier_init(&ring.empty[stage], kConsumerWarps);
    }
    fence_mbarrier_init();
    fence_async_proxy();
    tensor_prefetch_map(&arguments.b);
  }
  ring.queue.fill(arguments.product.count, arguments.product.experts, kTileRows);
  if (threadIdx.x < 128) {
    give_up_registers<56>();
    if (gathered) {
      fetch_gathered<T, kMixed>(arguments, ring);
    } else if (threadIdx.x == 0) {
      fetch_contiguous<T, kMixed>(arguments, ring);
    }
  } else {
    take_registers<224>();
    consume_tiles<T, kMixed>(arguments, ring);
  }
#endif
}

}  // namespace moe::cuda::hopper
