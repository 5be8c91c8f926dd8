// The sm_90a products: one persistent, warp-specialised kernel. A block takes tiles of 128 x 128
// until none is left; its first warpgroup fetches, two others multiply.
#pragma once
#include <stdexcept>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/product/hopper_consumer.cuh"
#include "kernels/cuda/product/hopper_producer.cuh"
#include "kernels/cuda/product/product_hopper.h"
#include "kernels/cuda/product/product_output.cuh"

namespace moe::cuda::hopper {

// Sums as mma.sync and wgmma leave them in a warp: 16 rows from `slot`, 8 kGroups columns from
// `column`; sum 4 j + 2 half + i is row lane / 4 + 8 half, column 8 j + lane % 4 * 2 + i.
template <DType kType, int kGroups>
__device__ __forceinline__ void put_sums(const Output& out, const Tile& tile,
                                         const OutputRow (&row)[2], std::int32_t column,
                                         const float* sum) {
  const int first = column + static_cast<int>(threadIdx.x) % 4 * 2;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float2 pair[kGroups];
#pragma unroll
    for (int j = 0; j < kGroups; ++j) {
      pair[j] = {sum[j * 4 + half * 2], sum[j * 4 + half * 2 + 1]};
      if constexpr (kType == DType::kE4m3) {
        const float2 scale = column_scales(out, tile.expert, first + j * 8);
        pair[j].x *= row[half].scale * scale.x;
        pair[j].y *= row[half].scale * scale.y;
      }
    }
    if constexpr (kGroups == 4) {
      if (is_for_quads(out, column)) {
        output_quad(out, row[half], column, pair);
        continue;
      }
    }
#pragma unroll
    for (int j = 0; j < kGroups; ++j) {
      output_pair(out, row[half], first + j * 8, pair[j].x, pair[j].y);
    }
  }
}

// The two rows of a lane.
struct RowsOfLane {
  OutputRow row[2];
  __device__ RowsOfLane(const Output& out, std::int32_t slot, std::int32_t end) {
    const int of_quad = static_cast<int>(threadIdx.x) % 32 / 4;
    row[0] = output_row(out, slot + of_quad, end);
    row[1] = output_row(out, slot + of_quad + 8, end);
  }
};

// sum[i] = sum[i + kBy]: a loop over registers, which have no index, lets them pass by its body.
template <int kBy, int kCount>
__device__ __forceinline__ void shift_down(float (&sum)[kCount]) {
#pragma unroll
  for (int i = 0; i + kBy < kCount; ++i) sum[i] = sum[i + kBy];
}

// 64 rows and 128 columns a warpgroup.
template <DType kType>
__device__ __forceinline__ void consume_wide(const Arguments& arguments, Ring& ring,
                                             RingPosition& at, const Tile& tile, int warp) {
  const Output& out = arguments.product.out;
  const int group = warp / 4;
  const bool gathered = arguments.product.in.a_row != nullptr;
  if (rows_of(tile) <= kGroupRows * group) return pass_stages(ring, at, arguments.steps);
  float sum[64] = {};
  if constexpr (kCarriesSums<kType>) {
    multiply_wide_carrying<kType>(ring, at, arguments.steps, group, gathered, sum);
  } else {
    multiply_wide<kType>(ring, at, arguments.steps, group, gathered, sum);
  }
  if (tile.slot + warp * 16 >= tile.end) return;
  const RowsOfLane rows(out, tile.slot + warp * 16, tile.end);
#pragma unroll 1  // the code for all 128 columns would be 180 KB
  for (int part = 0; part < 4; ++part) {
    put_sums<kType, 4>(out, tile, rows.row, tile.column + part * 32, sum);
    shift_down<16>(sum);
  }
}

// All rows and 16 columns a warp.
template <DType kType>
__device__ __forceinline__ void consume_narrow(const Arguments& arguments, Ring& ring,
                                               RingPosition& at, const Tile& tile, int warp) {
  const Output& out = arguments.product.out;
  const int granules = granules_of<true>(tile);
  float sum[kMostGranules * 8] = {};
  multiply_narrow<kType>(ring, at, arguments.steps, warp, granules, sum);
#pragma unroll 1
  for (int i = 0; i < granules; ++i) {
    const RowsOfLane rows(out, tile.slot + i * kGranuleRows, tile.end);
    put_sums<kType, 2>(out, tile, rows.row, tile.column + warp * 16, sum);
    shift_down<8>(sum);
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

template <DType kType, bool kMixed>
void launch(const GroupedProduct& product, int blocks, cudaStream_t stream) {
  constexpr auto kKernel = product_kernel<kType, kMixed>;
  check(cudaFuncSetAttribute(kKernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kRingBytes));
  kKernel<<<blocks, kThreads, kRingBytes, stream>>>(hopper_arguments(product));
  check_launch();
}

// In a file each: the compiler takes its time over four formats.
template <bool kMixed>
void launch_for_dtype(const GroupedProduct& product, int blocks, cudaStream_t stream) {
  if (blocks == 0) return;  // no rows
  switch (product.dtype) {
    case DType::kBf16:
      return launch<DType::kBf16, kMixed>(product, blocks, stream);
    case DType::kF16:
      return launch<DType::kF16, kMixed>(product, blocks, stream);
    case DType::kTf32:
      return launch<DType::kTf32, kMixed>(product, blocks, stream);
    case DType::kE4m3:
      return launch<DType::kE4m3, kMixed>(product, blocks, stream);
    case DType::kF32:
    case DType::kInt8:
    case DType::kInt4:
      throw std::invalid_argument("no tensor-core kernel for this dtype");
  }
}

}  // namespace moe::cuda::hopper
