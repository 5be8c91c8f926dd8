// Warpgroup products (PTX ISA 9.0, "Asynchronous Warpgroup Level Matrix Instructions"; sm_90a
// only).
#pragma once
#include <cstdint>

#include "kernels/contract/shape.h"
#include "kernels/cuda/detail/ptx_hopper.cuh"

namespace moe::cuda {

// A tile in shared memory whose rows are 128 bytes of K, stored with the 128-byte swizzle: eight
// rows (1024 bytes) repeat. "Matrix Descriptor Format": address, leading and stride offsets in
// units of 16 bytes. Slice i of 32 bytes of K begins 32 i bytes further on.
__device__ __forceinline__ std::uint64_t swizzled_descriptor(const void* tile) {
  const std::uint64_t address = (shared_address(tile) & 0x3ffffu) >> 4;
  const std::uint64_t leading = 1, stride = 1024 / 16, swizzle_128 = 1;
  return address | leading << 16 | stride << 32 | swizzle_128 << 62;
}

// Writes no instruction, but might change the accumulators, so the compiler moves no access to them
// across: they must not be touched between wgmma.fence and the wait.
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

// The 64 accumulators of a thread, as operands 0 to 63 of an instruction.
#define MOE_WGMMA(shape_and_types, layouts)                                                        \
  asm volatile(                                                                                    \
      "{ .reg .pred more; setp.ne.b32 more, %66, 0;\n"                                             \
      "wgmma.mma_async.sync.aligned." shape_and_types                                              \
      " "                                                                                          \
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "                    \
      " %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "          \
      " %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "          \
      " %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "         \
      "%64, %65, more, 1, 1" layouts "; }"                                                         \
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]),        \
        "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]),    \
        "+f"(d[14]), "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), \
        "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), \
        "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), \
        "+f"(d[35]), "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]), "+f"(d[41]), \
        "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), "+f"(d[48]), \
        "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]), \
        "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), \
        "+f"(d[63])                                                                                \
      : "l"(a), "l"(b), "r"(static_cast<int>(add)))

// d[64, 128] = A[64, 32 bytes of K] B[128, 32 bytes of K]^T, plus d if `add`; both K-major in
// shared memory.
template <DType kType>
__device__ __forceinline__ void wgmma_64x128(float (&d)[64], std::uint64_t a, std::uint64_t b,
                                             bool add) {
  if constexpr (kType == DType::kBf16) {
    MOE_WGMMA("m64n128k16.f32.bf16.bf16", ", 0, 0");
  } else if constexpr (kType == DType::kF16) {
    MOE_WGMMA("m64n128k16.f32.f16.f16", ", 0, 0");
  } else if constexpr (kType == DType::kTf32) {
    MOE_WGMMA("m64n128k8.f32.tf32.tf32", "");
  } else {
    static_assert(kType == DType::kE4m3, "there is no product of f32 on tensor cores");
    MOE_WGMMA("m64n128k32.f32.e4m3.e4m3", "");
  }
}
#undef MOE_WGMMA

}  // namespace moe::cuda
