// One kernel a number type, with the functions that kernels call most; out[k * n + i] is the k-th
// function of x[i]. The functions run on the host as well.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace moe::simt::kernels {

inline constexpr int kIntegerFunctions = 20;
__host__ __device__ inline std::uint64_t integer_function(int k, std::uint64_t x, std::uint64_t y) {
  const auto a = static_cast<std::uint32_t>(x), b = static_cast<std::uint32_t>(y) | 1u;
  const auto sa = static_cast<std::int32_t>(a), sb = static_cast<std::int32_t>(b);
  const auto lx = static_cast<std::int64_t>(x), ly = static_cast<std::int64_t>(y | 1);
  switch (k) {
    case 0:
      return a / b;
    case 1:
      return a % b;
    case 2:
      return static_cast<std::uint32_t>(sa / (sb == -1 ? 3 : sb));
    case 3:
      return static_cast<std::uint32_t>(sa % 7);
    case 4:
      return x / (y | 1);
    case 5:
      return static_cast<std::uint64_t>(lx / (ly == -1 ? 5 : ly));
    case 6:
      return x * y;
    case 7:
      return static_cast<std::uint64_t>(sa) * static_cast<std::uint64_t>(sb);
    case 8:
      return static_cast<std::uint32_t>((std::uint64_t{a} * b) >> 32);
    case 9:
      return (x << (y % 64)) ^ (x >> (y % 61));
    case 10:
      return static_cast<std::uint64_t>(lx >> (y % 64));
    case 11:
      return static_cast<std::uint32_t>(sa >> (b % 32));
    case 12:
      return sa < sb ? static_cast<std::uint32_t>(sa) : static_cast<std::uint32_t>(sb);
    case 13:
      return lx > ly ? x : y;
    case 14:
      return (a & b) | (~a & static_cast<std::uint32_t>(x >> 32));
    case 15:
      return static_cast<std::uint64_t>(static_cast<std::int8_t>(a));
    case 16:
      return static_cast<std::uint16_t>(a) * 3u + static_cast<std::uint8_t>(b);
    case 17:
      return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<float>(sa)));
    case 18:
      return static_cast<std::uint64_t>(static_cast<double>(a) * 0.5);
    default:
      return x + y - (x & y) + (x == y);
  }
}
__global__ void integer_functions(const std::uint64_t* __restrict__ x, int n,
                                  std::uint64_t* __restrict__ out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  for (int k = 0; k < kIntegerFunctions; ++k) {
    out[k * n + i] = integer_function(k, x[i], x[(i + 1) % n]);
  }
}

// What the host has no word for.
__global__ void bit_functions(const unsigned* __restrict__ x, int n, unsigned* __restrict__ out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const unsigned a = x[i], b = x[(i + 1) % n];
  out[0 * n + i] = static_cast<unsigned>(__popc(a));
  out[1 * n + i] = static_cast<unsigned>(__clz(static_cast<int>(a)));
  out[2 * n + i] = static_cast<unsigned>(__ffs(static_cast<int>(a)));
  out[3 * n + i] = __brev(a);
  out[4 * n + i] = __umulhi(a, b);
  out[5 * n + i] = __byte_perm(a, b, 0x6053);
  out[6 * n + i] = __funnelshift_l(a, b, 11);
  out[7 * n + i] = __dp4a(a, b, 100u);
}

inline constexpr int kFloatFunctions = 16;
__host__ __device__ inline float float_function(int k, float x) {
  const float positive = fabsf(x) + 0.25f;
  switch (k) {
    case 0:
      return expf(x);
    case 1:
      return logf(positive);
    case 2:
      return sqrtf(positive);
    case 3:
      return 1.0f / x;
    case 4:
      return sinf(3 * x);
    case 5:
      return cosf(3 * x);
    case 6:
      return tanhf(x);
    case 7:
      return erff(x);
    case 8:
      return powf(positive, 1.7f);
    case 9:
      return fmodf(5 * x, positive);
    case 10:
      return fmaf(x, x, -1.0f);
    case 11:
      return floorf(7 * x) + ceilf(3 * x) + truncf(5 * x) + rintf(2.5f * x);
    case 12:
      return fminf(x, 0.3f) + fmaxf(x, -0.2f);
    case 13:
      return copysignf(positive, x);
    case 14:
      return exp2f(x) + log2f(positive);
    default:
      return x > 0 ? x : 0.01f * x;
  }
}
__global__ void float_functions(const float* __restrict__ x, int n, float* __restrict__ out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  for (int k = 0; k < kFloatFunctions; ++k) out[k * n + i] = float_function(k, x[i]);
}
__global__ void double_functions(const double* __restrict__ x, int n, double* __restrict__ out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  out[0 * n + i] = exp(x[i]);
  out[1 * n + i] = 1.0 / x[i];
  out[2 * n + i] = sqrt(fabs(x[i]));
  out[3 * n + i] = fma(x[i], 3.0, 0.1);
}

// Pairs of 16-bit numbers.
__global__ void half_functions(const __half2* __restrict__ x, const __nv_bfloat162* __restrict__ b,
                               int n, float* __restrict__ out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const __half2 h = x[i], other = x[(i + 1) % n];
  const float2 sum = __half22float2(__hadd2(h, other));
  const float2 product = __half22float2(__hmul2(h, other));
  const float2 largest = __half22float2(__hmax2(h, other));
  const float2 fused = __bfloat1622float2(__hfma2(b[i], b[(i + 1) % n], b[i]));
  out[0 * n + i] = sum.x;
  out[1 * n + i] = product.y;
  out[2 * n + i] = largest.x;
  out[3 * n + i] = fused.y;
  out[4 * n + i] = __half2float(__float2half_rn(out[0 * n + i] * 1.001f));
  out[5 * n + i] = __hlt(__low2half(h), __high2half(h)) ? 1.0f : 0.0f;
}

}  // namespace moe::simt::kernels
