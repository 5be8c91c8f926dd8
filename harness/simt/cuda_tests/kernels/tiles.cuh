// Tensor-core products of one warp, each with its fragments loaded element by element from
// row-major matrices, as the PTX ISA 9.0 draws them ("Matrix Fragments for mma.m16n8k*"), and the
// matrix moves.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "harness/simt/cuda_tests/kernels/ptx.cuh"

namespace moe::simt::kernels {

// kPerRegister elements next to one another, as one 32-bit register.
template <class T>
__device__ __forceinline__ std::uint32_t packed(const T* first) {
  std::uint32_t bits = 0;
  memcpy(&bits, first, 4);
  return bits;
}

// A [16, kDepth], B [8, kDepth] (column-major K x 8), D [16, 8]. All the types of 16 bits and less
// place their elements alike: register r of A holds row g or g + 8, and the lower or upper half of
// K.
template <class T, int kDepth, class Product, class Out>
__device__ __forceinline__ void one_product(const T* a, const T* b, Out* d, Product&& multiply) {
  constexpr int kPack = 4 / static_cast<int>(sizeof(T));
  const int group = threadIdx.x / 4, member = threadIdx.x % 4;
  std::uint32_t fa[4] = {}, fb[2] = {};
  for (int r = 0; r < 4; ++r) {
    const int row = group + 8 * (r % 2), column = member * kPack + (kDepth / 2) * (r / 2);
    fa[r] = packed(a + row * kDepth + column);
  }
  for (int r = 0; r < 2; ++r) fb[r] = packed(b + group * kDepth + member * kPack + kDepth / 2 * r);
  Out acc[4] = {};
  multiply(acc, fa, fb);
  for (int i = 0; i < 4; ++i) d[(group + 8 * (i / 2)) * 8 + member * 2 + i % 2] = acc[i];
}

#define MOE_MMA(form, constraint)                                                       \
  asm volatile("mma.sync.aligned." form                                                 \
               " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "                        \
               "{%0, %1, %2, %3};"                                                      \
               : constraint(d[0]), constraint(d[1]), constraint(d[2]), constraint(d[3]) \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))

__global__ void product_f16(const __half* a, const __half* b, float* d) {
  one_product<__half, 16>(a, b, d, [](float(&d)[4], std::uint32_t(&a)[4], std::uint32_t(&b)[2]) {
    MOE_MMA("m16n8k16.row.col.f32.f16.f16.f32", "+f");
  });
}
__global__ void product_bf16(const __nv_bfloat16* a, const __nv_bfloat16* b, float* d) {
  one_product<__nv_bfloat16, 16>(a, b, d,
                                 [](float(&d)[4], std::uint32_t(&a)[4], std::uint32_t(&b)[2]) {
                                   MOE_MMA("m16n8k16.row.col.f32.bf16.bf16.f32", "+f");
                                 });
}
// The hardware reads the upper 19 bits of each f32; the test's values have no others.
__global__ void product_tf32(const float* a, const float* b, float* d) {
  one_product<float, 8>(a, b, d, [](float(&d)[4], std::uint32_t(&a)[4], std::uint32_t(&b)[2]) {
    MOE_MMA("m16n8k8.row.col.f32.tf32.tf32.f32", "+f");
  });
}
__global__ void product_s8(const signed char* a, const signed char* b, int* d) {
  one_product<signed char, 32>(a, b, d, [](int(&d)[4], std::uint32_t(&a)[4], std::uint32_t(&b)[2]) {
    MOE_MMA("m16n8k32.row.col.s32.s8.s8.s32", "+r");
  });
}
__global__ void product_e4m3(const unsigned char* a, const unsigned char* b, float* d) {
#if __CUDA_ARCH__ >= 890
  one_product<unsigned char, 32>(a, b, d,
                                 [](float(&d)[4], std::uint32_t(&a)[4], std::uint32_t(&b)[2]) {
                                   MOE_MMA("m16n8k32.row.col.f32.e4m3.e4m3.f32", "+f");
                                 });
#endif
}
#undef MOE_MMA

// D in half precision: two registers of two.
__global__ void product_f16_in_f16(const __half* a, const __half* b, __half2* d) {
  const int group = threadIdx.x / 4, member = threadIdx.x % 4;
  std::uint32_t fa[4], fb[2], acc[2] = {0, 0};
  for (int r = 0; r < 4; ++r) {
    fa[r] = packed(a + (group + 8 * (r % 2)) * 16 + member * 2 + 8 * (r / 2));
  }
  for (int r = 0; r < 2; ++r) fb[r] = packed(b + group * 16 + member * 2 + 8 * r);
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%0, %1}, {%2, %3, %4, %5}, {%6, %7}, "
      "{%0, %1};"
      : "+r"(acc[0]), "+r"(acc[1])
      : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]), "r"(fb[1]));
  for (int r = 0; r < 2; ++r) memcpy(&d[(group + 8 * r) * 4 + member], &acc[r], 4);
}

// ---- moves -------------------------------------------------------------------------------------

// Four 8 x 8 matrices of 16-bit elements below one another; out gets each lane's four registers.
template <bool kTransposed>
__global__ void load_four_matrices(const uint4* __restrict__ x, std::uint32_t* __restrict__ out) {
  __shared__ __align__(16) uint4 rows[32];
  rows[threadIdx.x] = x[threadIdx.x];
  __syncwarp();
  std::uint32_t r[4];
  if constexpr (kTransposed) {
    load_matrices_transposed(r, &rows[threadIdx.x]);
  } else {
    load_matrices(r, &rows[threadIdx.x]);
  }
  for (int i = 0; i < 4; ++i) out[threadIdx.x * 4 + i] = r[i];
}

// The other way round.
template <bool kTransposed>
__global__ void store_four_matrices(const std::uint32_t* __restrict__ x, uint4* __restrict__ out) {
#if __CUDA_ARCH__ >= 900
  __shared__ __align__(16) uint4 rows[32];
  std::uint32_t r[4];
  for (int i = 0; i < 4; ++i) r[i] = x[threadIdx.x * 4 + i];
  store_matrices<kTransposed>(&rows[threadIdx.x], r);
  __syncwarp();
  out[threadIdx.x] = rows[threadIdx.x];
#endif
}

}  // namespace moe::simt::kernels
