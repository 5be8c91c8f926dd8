// Warpgroup products (PTX ISA 9.0, "Asynchronous Warpgroup Level Matrix Instructions"; sm_90a
// only).
#pragma once
#include "harness/simt/cuda_tests/kernels/ptx.cuh"

namespace moe::simt::kernels {

// A tile in shared memory whose rows are 128 bytes of K, stored with the 128-byte swizzle: eight
// rows (1024 bytes) repeat. "Matrix Descriptor Format": address, leading and stride offsets in 16
// bytes.
__device__ __forceinline__ std::uint64_t swizzled_descriptor(const void* tile) {
  const std::uint64_t address = (shared_address(tile) & 0x3ffffu) >> 4;
  const std::uint64_t leading = 1, stride = 1024 / 16, swizzle_128 = 1;
  return address | leading << 16 | stride << 32 | swizzle_128 << 62;
}

// Keeps the compiler from writing the accumulators after the fence that must come after the writes:
// an asm statement that writes no instruction, but might change them.
template <int kCount>
__device__ __forceinline__ void settle_registers(float (&d)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) asm volatile("" : "+f"(d[i])::"memory");
}
__device__ __forceinline__ void wgmma_fence() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void wgmma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int kGroupsLeft>
__device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kGroupsLeft) : "memory");
}

// d[64, 64] += A[64, 16] B[64, 16]^T, both bf16 in shared memory, K-major.
__device__ __forceinline__ void wgmma_64x64x16(float (&d)[32], std::uint64_t a, std::uint64_t b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, "
      "%32, %33, 1, 1, 1, 0, 0;"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]),
        "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]),
        "+f"(d[14]), "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]),
        "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]),
        "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
      : "l"(a), "l"(b));
}

// Where element i of a thread's accumulator stands in the 64 x 64 tile ("Register Fragments for
// wgmma.mma_async.m64nNk16", D).
__device__ __forceinline__ int accumulator_row(int i) {
  const int thread = threadIdx.x % 128;
  return thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8;
}
__device__ __forceinline__ int accumulator_column(int i) {
  return i / 4 * 8 + threadIdx.x % 4 * 2 + i % 2;
}

template <int kRegisters>
__device__ __forceinline__ void give_up_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <int kRegisters>
__device__ __forceinline__ void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

}  // namespace moe::simt::kernels
