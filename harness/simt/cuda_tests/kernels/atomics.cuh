// Atomic operations of each type, on shared and global memory.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

namespace moe::simt::kernels {

struct IntegerTotals {
  int sum, smallest, largest;
  unsigned all_bits, any_bits, parity, wrapped, counted_down;
  unsigned long long big_sum, big_largest;
};

__device__ __forceinline__ void add_to(IntegerTotals* totals, int v) {
  atomicAdd(&totals->sum, v);
  atomicMin(&totals->smallest, v);
  atomicMax(&totals->largest, v);
  atomicAnd(&totals->all_bits, static_cast<unsigned>(v) | 1u);
  atomicOr(&totals->any_bits, static_cast<unsigned>(v));
  atomicXor(&totals->parity, static_cast<unsigned>(v));
  atomicInc(&totals->wrapped, 9u);       // 0 .. 9, 0 .. 9
  atomicDec(&totals->counted_down, 6u);  // 6 .. 0, 6 .. 0
  atomicAdd(&totals->big_sum, static_cast<unsigned long long>(v) << 33);
  atomicMax(&totals->big_largest, static_cast<unsigned long long>(v) << 20);
}

__device__ __forceinline__ IntegerTotals no_totals() {
  return {0, 0x7fffffff, -1, ~0u, 0u, 0u, 0u, 0u, 0ull, 0ull};
}

// totals[0] collects through global memory, totals[1 + block] through shared memory.
__global__ void integer_atomics(const int* __restrict__ x, int n, IntegerTotals* totals) {
  __shared__ IntegerTotals mine;
  if (threadIdx.x == 0) mine = no_totals();
  __syncthreads();
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    add_to(&totals[0], x[i]);
    add_to(&mine, x[i]);
  }
  __syncthreads();
  if (threadIdx.x == 0) totals[1 + blockIdx.x] = mine;
}

// Small whole numbers, so that any order gives the same sum.
__global__ void floating_atomics(const int* __restrict__ x, int n, float* f, double* d,
                                 __half2* halves, __nv_bfloat162* bfloats) {
  __shared__ float shared_sum;
  if (threadIdx.x == 0) shared_sum = 0;
  __syncthreads();
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    const auto v = static_cast<float>(x[i] % 4);
    atomicAdd(f, v);
    atomicAdd(d, static_cast<double>(v) + 0.5);
    atomicAdd(halves, __floats2half2_rn(v, 1.0f));
    atomicAdd(bfloats, __floats2bfloat162_rn(1.0f, i % 2 == 0 ? 1.0f : 0.0f));
    atomicAdd(&shared_sum, v);
  }
  __syncthreads();
  if (threadIdx.x == 0) atomicAdd(f + 1, shared_sum);
}

// The largest float so far, by compare and swap of its bits.
__device__ __forceinline__ void max_by_cas(int* place, float value) {
  int seen = atomicAdd(place, 0);
  while (__int_as_float(seen) < value) {
    const int now = atomicCAS(place, seen, __float_as_int(value));
    if (now == seen) break;
    seen = now;
  }
}
__global__ void largest_by_cas(const float* __restrict__ x, int n, int* largest_bits) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) max_by_cas(largest_bits, x[i]);
}

// A linked list: each thread hangs its node in front with an exchange.
__global__ void push_by_exchange(int* head, int* next, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) next[i] = atomicExch(head, i);
}

// A lock in global memory around an ordinary read, add and write.
__global__ void count_under_lock(int* lock, int* counter) {
  if (threadIdx.x % 32 == 0) {
    while (atomicCAS(lock, 0, 1) != 0) {
    }
    __threadfence();
    *counter = *counter + 1;
    __threadfence();
    atomicExch(lock, 0);
  }
}

}  // namespace moe::simt::kernels
