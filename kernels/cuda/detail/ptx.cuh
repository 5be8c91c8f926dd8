// Thin wrappers of the PTX instructions that every architecture has and CUDA C++ has no word for
// (PTX ISA 9.0). One function an instruction. `memory` clobbers keep the compiler from moving
// accesses across; products touch registers only, so the compiler may order them as it likes.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/contract/shape.h"

namespace moe::cuda {

__device__ __forceinline__ std::uint32_t shared_address(const void* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

// ---- cp.async ----------------------------------------------------------------------------------

// 16 bytes past L1, of which the first `bytes` are read and the rest become zero; for 0 nothing is
// read, whatever `from` is.
__device__ __forceinline__ void copy_async_16(void* to, const void* from, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from),
               "r"(bytes)
               : "memory");
}
__device__ __forceinline__ void copy_async_commit() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int kGroupsLeft>
__device__ __forceinline__ void copy_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kGroupsLeft) : "memory");
}

// ---- ldmatrix ----------------------------------------------------------------------------------

// Four matrices of 8 rows x 16 bytes; lane l gives the address of row l % 8 of matrix l / 8, and
// gets the l % 4-th word of row l / 4 of each.
__device__ __forceinline__ void load_matrices(std::uint32_t (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
}

// ---- mma.sync: d[16, 8] += a[16, 32 bytes] * b[8, 32 bytes]^T
// ------------------------------------

// In bytes the fragments of all formats are alike: a[i] is the l % 4-th word of row l / 4 of matrix
// i, where the matrices are rows 0-7 and 8-15 of bytes 0-15, then the same rows of bytes 16-31; b0
// and b1 are bytes 0-15 and 16-31 of 8 rows. d: row l / 4, columns l % 4 * 2 and the next; then
// row l / 4 + 8.
#define MOE_MMA(name, shape, type)                                                                 \
  __device__ __forceinline__ void name(float(&d)[4], const std::uint32_t(&a)[4], std::uint32_t b0, \
                                       std::uint32_t b1) {                                         \
    asm("mma.sync.aligned." shape ".row.col.f32." type "." type                                    \
        ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"                     \
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                           \
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));                           \
  }
MOE_MMA(mma_bf16, "m16n8k16", "bf16")
MOE_MMA(mma_f16, "m16n8k16", "f16")
MOE_MMA(mma_tf32, "m16n8k8", "tf32")
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 890
MOE_MMA(mma_e4m3, "m16n8k32", "e4m3")
#endif
#undef MOE_MMA

// The one of `kType`. Where the architecture has none (e4m3 on sm_80) it stops the kernel: the host
// never launches one there.
template <DType kType>
__device__ __forceinline__ void mma(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                                    std::uint32_t b1) {
  if constexpr (kType == DType::kBf16) {
    mma_bf16(d, a, b0, b1);
  } else if constexpr (kType == DType::kF16) {
    mma_f16(d, a, b0, b1);
  } else if constexpr (kType == DType::kTf32) {
    mma_tf32(d, a, b0, b1);
  } else {
    static_assert(kType == DType::kE4m3, "there is no product of f32 on tensor cores");
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 890
    mma_e4m3(d, a, b0, b1);
#else
    __trap();
#endif
  }
}

// ---- red ---------------------------------------------------------------------------------------

// to[0] += x, to[1] += y, each atomically; `to` is a multiple of 8 bytes. One instruction where
// there is one (sm_90 and later).
__device__ __forceinline__ void add_two(float* to, float x, float y) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile(
      "red.relaxed.gpu.global.add.v2.f32 [%0], {%1, %2};" ::"l"(__cvta_generic_to_global(to)),
      "f"(x), "f"(y)
      : "memory");
#else
  atomicAdd(to, x);
  atomicAdd(to + 1, y);
#endif
}

// ---- named barriers ----------------------------------------------------------------------------

__device__ __forceinline__ void named_barrier_sync(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
__device__ __forceinline__ void named_barrier_arrive(int id, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

// Nanoseconds of a clock that all multiprocessors share.
__device__ __forceinline__ std::uint64_t global_timer() {
  std::uint64_t now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
}

}  // namespace moe::cuda
