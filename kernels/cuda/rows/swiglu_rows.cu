// silu(gate) * up on rows of interleaved pairs, for products without that epilogue.
#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/rows/row_parts.cuh"
#include "kernels/cuda/rows/rows.h"

namespace moe::cuda {
namespace {

constexpr int kPairsALane = 4;  // 32 bytes read

// H: 4 or 2 bytes; four of them are written at once.
template <class H>
struct alignas(4 * sizeof(H)) Four {
  H x[kPairsALane];
};

template <class H>
__global__ void __launch_bounds__(kWarpsABlock* kLanes)
    swiglu_pairs(const float* gate_up, std::int64_t gate_up_stride, H* h, std::int64_t h_stride,
                 std::int64_t rows, std::int64_t ffn) {
  const std::int64_t r =
      std::int64_t{blockIdx.x} * kWarpsABlock + static_cast<int>(threadIdx.x) / kLanes;
  const std::int64_t f = (std::int64_t{blockIdx.y} * kLanes + threadIdx.x % kLanes) * kPairsALane;
  if (r >= rows || f >= ffn) return;
  const float* from = gate_up + r * gate_up_stride + 2 * f;
  H* to = h + r * h_stride + f;
  if (f + kPairsALane <= ffn) {
    const float4 a = *reinterpret_cast<const float4*>(from);
    const float4 b = *reinterpret_cast<const float4*>(from + 4);
    *reinterpret_cast<Four<H>*>(to) =
        Four<H>{rounded<H>(swiglu(a.x, a.y)), rounded<H>(swiglu(a.z, a.w)),
                rounded<H>(swiglu(b.x, b.y)), rounded<H>(swiglu(b.z, b.w))};
    return;
  }
  for (std::int64_t i = 0; i < ffn - f; ++i) {
    to[i] = rounded<H>(swiglu(from[2 * i], from[2 * i + 1]));
  }
}

}  // namespace

void swiglu_rows(const float* gate_up, std::int64_t gate_up_stride, void* h, DType type,
                 std::int64_t h_stride, std::int64_t rows, std::int64_t ffn, cudaStream_t stream) {
  if (rows == 0 || ffn == 0) return;
  const dim3 grid = grid_of(rows, ffn, kPairsALane);
  const auto launch = [&]<class H>(H* to) {
    swiglu_pairs<H><<<grid, kWarpsABlock * kLanes, 0, stream>>>(gate_up, gate_up_stride, to,
                                                                h_stride, rows, ffn);
  };
  if (type == DType::kBf16) {
    launch(static_cast<__nv_bfloat16*>(h));
  } else if (type == DType::kF16) {
    launch(static_cast<__half*>(h));
  } else if (type == DType::kTf32) {
    launch(static_cast<Tf32*>(h));
  } else {
    launch(static_cast<float*>(h));
  }
  check_launch();
}

}  // namespace moe::cuda
