// The number formats of a layer, and their conversions to and from f32.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include <cstdint>
#include <cstring>

namespace moe::cuda {

// An f32 whose significand was rounded to the 11 bits that tf32 products read.
struct Tf32 {
  float value;
};

// The scale of a row of e4m3 whose largest absolute value this is: the smallest power of two with
// which it fits under 448; 1 for a row of zeros. A power of two, so that scaling rounds nothing.
__host__ __device__ __forceinline__ float e4m3_scale(float largest) {
  if (!(largest > 0)) return 1.0f;
  const float quotient = largest / 448.0f;
  std::uint32_t bits;
  memcpy(&bits, &quotient, sizeof bits);
  bits = (bits + 0x7fffffu) & 0xff800000u;
  float scale;
  memcpy(&scale, &bits, sizeof scale);
  return scale;
}

#ifdef __CUDACC__  // the rest is for kernels; tests of the host see what is above

__device__ __forceinline__ float round_to_tf32(float x) {
  std::uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return __uint_as_float(bits);
}

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(Tf32 x) { return x.value; }
__device__ __forceinline__ float to_float(__nv_bfloat16 x) { return __bfloat162float(x); }
__device__ __forceinline__ float to_float(__half x) { return __half2float(x); }
__device__ __forceinline__ float to_float(__nv_fp8_e4m3 x) { return static_cast<float>(x); }

// Rounds to nearest, ties to even (tf32: ties away from zero).
template <class T>
__device__ __forceinline__ T rounded(float x);
template <>
__device__ __forceinline__ float rounded<float>(float x) {
  return x;
}
template <>
__device__ __forceinline__ Tf32 rounded<Tf32>(float x) {
  return {round_to_tf32(x)};
}
template <>
__device__ __forceinline__ __nv_bfloat16 rounded<__nv_bfloat16>(float x) {
  return __float2bfloat16_rn(x);
}
template <>
__device__ __forceinline__ __half rounded<__half>(float x) {
  return __float2half_rn(x);
}
template <>
__device__ __forceinline__ __nv_fp8_e4m3 rounded<__nv_fp8_e4m3>(float x) {
  return __nv_fp8_e4m3(x);  // saturates at 448
}

// silu(gate) * up = gate / (1 + exp(-gate)) * up, with the exponential that is right to 2 ulp.
__device__ __forceinline__ float swiglu(float gate, float up) {
  return gate / (1.0f + expf(-gate)) * up;
}

#endif  // __CUDACC__

}  // namespace moe::cuda
