// Constant memory, module variables, large dynamic shared memory, named barriers, wide accesses.
#pragma once
#include "harness/simt/cuda_tests/kernels/ptx.cuh"

namespace moe::simt::kernels {

__constant__ float polynomial[8];
__constant__ int primes[6] = {2, 3, 5, 7, 11, 13};
__device__ int module_counter = 5;
__device__ int module_table[16];

__global__ void evaluate_polynomial(const float* __restrict__ x, int n, float* __restrict__ out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float y = 0;
  for (int k = 7; k >= 0; --k) y = y * x[i] + polynomial[k];
  out[i] = y + static_cast<float>(primes[i % 6]);  // a different address in each lane
}

__global__ void use_module_variables() {
  if (threadIdx.x < 16) module_table[threadIdx.x] = static_cast<int>(threadIdx.x) * module_counter;
  __syncwarp();  // all have read before one adds
  if (threadIdx.x == 31) atomicAdd(&module_counter, 1);
}

// Transposes an n x n matrix that lies wholly in dynamic shared memory.
__global__ void transpose_in_shared(const float* __restrict__ x, int n, float* __restrict__ out) {
  extern __shared__ float tile[];
  for (int i = threadIdx.x; i < n * n; i += blockDim.x) tile[i] = x[i];
  __syncthreads();
  for (int i = threadIdx.x; i < n * n; i += blockDim.x) out[i] = tile[(i % n) * n + i / n];
}

// Half the block writes a slot, the other half reads it; each waits for the other at a barrier of
// its own, so that the writers run ahead by one slot.
inline constexpr int kFull = 1, kEmpty = 3;  // barrier numbers, one a slot each
__global__ void producers_and_consumers(const int* __restrict__ x, int rounds,
                                        int* __restrict__ out) {
  constexpr int kHalf = 64;
  __shared__ int slot[2][kHalf];
  const int i = threadIdx.x % kHalf;
  if (threadIdx.x < kHalf) {
    for (int round = 0; round < rounds; ++round) {
      if (round >= 2) named_barrier_sync(kEmpty + round % 2, 2 * kHalf);
      slot[round % 2][i] = x[round * kHalf + i];
      named_barrier_arrive(kFull + round % 2, 2 * kHalf);
    }
  } else {
    for (int round = 0; round < rounds; ++round) {
      named_barrier_sync(kFull + round % 2, 2 * kHalf);
      out[round * kHalf + i] = 2 * slot[round % 2][kHalf - 1 - i];
      if (round + 2 < rounds) named_barrier_arrive(kEmpty + round % 2, 2 * kHalf);
    }
  }
}

// __syncthreads_count, _and, _or.
__global__ void counting_barriers(const int* __restrict__ x, int* __restrict__ out) {
  const int v = x[threadIdx.x];
  const int even = __syncthreads_count(v % 2 == 0);
  const int all = __syncthreads_and(v >= 0);
  const int any = __syncthreads_or(v == 3);
  out[threadIdx.x] = even * 100 + all * 10 + any;
}

// Bytes, halves, vectors of two and four, through generic pointers as well.
struct __align__(16) Mixed {
  signed char a;
  unsigned char b;
  short c;
  float d;
  double e;
};
__global__ void wide_and_narrow(const Mixed* __restrict__ x, int n, Mixed* __restrict__ out) {
  __shared__ Mixed staged[64];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) staged[threadIdx.x] = x[i];
  __syncthreads();
  const int mirror = static_cast<int>(blockDim.x) - 1 - static_cast<int>(threadIdx.x);
  if (i < n) {
    const Mixed* from = i % 2 == 0 ? &staged[threadIdx.x] : &x[i];  // shared or global, by lane
    Mixed m = *from;
    m.a = static_cast<signed char>(-m.a);
    m.b = static_cast<unsigned char>(m.b * 3);
    m.c = static_cast<short>(m.c + mirror);
    m.e = m.e * 2 + m.d;
    out[i] = m;
  }
}

}  // namespace moe::simt::kernels
