// Branches, loops, calls and local arrays: what makes lanes part and meet. The device functions run
// on the host as well; the tests compare the two.
#pragma once
#include <cuda_runtime.h>

namespace moe::simt::kernels {

// Steps of the 3n+1 sequence: a loop of different length in each lane, with a branch inside.
__host__ __device__ inline int collatz_steps(unsigned n) {
  int steps = 0;
  while (n > 1) {
    if (n % 2 == 0) {
      n /= 2;
    } else {
      n = 3 * n + 1;
    }
    ++steps;
  }
  return steps;
}

__host__ __device__ inline int nested_loops(int n) {
  int sum = 0;
  for (int i = 0; i < n % 7; ++i) {
    for (int j = i; j < n % 5; ++j) {
      if ((i * j + n) % 3 == 0) continue;
      if (sum > 200) break;
      sum += i * 10 + j;
    }
    if (sum % 11 == 10) return -sum;
  }
  return sum;
}

__host__ __device__ inline int many_ways(int n) {
  switch (n % 9) {
    case 0:
      return n + 1;
    case 1:
      return n * 3;
    case 2:
      return n ^ 0x55;
    case 3:
      return -n;
    case 4:
      return n / 7;
    case 5:
      return n << 2;
    case 6:
      return n % 13;
    case 7:
      return ~n;
    default:
      return 12345;
  }
}

__global__ void divergent_paths(const int* __restrict__ x, int n, int* __restrict__ out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const int v = x[i];
  int result = collatz_steps(static_cast<unsigned>(v));
  if (v % 4 == 1) {
    out[i] = result;
    return;  // a quarter of the lanes leaves early
  }
  result += nested_loops(v);
  result += many_ways(v);
  out[i] = result;
}

// ---- calls -------------------------------------------------------------------------------------

struct Pair {
  int first;
  long long second;
};

__noinline__ __host__ __device__ int greatest_common_divisor(int a, int b) {
  while (b != 0) {
    const int rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}
__noinline__ __host__ __device__ Pair both(int a, int b) {
  return {greatest_common_divisor(a, b), static_cast<long long>(a) * b};
}
__noinline__ __host__ __device__ int ackermann_like(int depth, int n) {
  if (depth <= 0 || n <= 0) return n + depth;
  return ackermann_like(depth - 1, n - 1) + ackermann_like(depth - 2, n / 2);
}
// Called from diverged lanes, with a struct as the result.
__global__ void calls(const int* __restrict__ x, int n, long long* __restrict__ out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  long long result = ackermann_like(x[i] % 6, 5);
  if (x[i] % 3 != 0) {
    const Pair p = both(x[i] + 1, 360);
    result += p.first * 1000 + p.second;
  }
  out[i] = result;
}

// Which function is known only at run time.
__noinline__ __host__ __device__ int twice(int x) { return 2 * x; }
__noinline__ __host__ __device__ int square(int x) { return x * x; }
__noinline__ __host__ __device__ int negative(int x) { return -x; }
__global__ void calls_by_pointer(const int* __restrict__ x, int n, int* __restrict__ out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int (*f)(int) = x[i] % 3 == 0 ? twice : x[i] % 3 == 1 ? square : negative;
  out[i] = f(x[i]);
}

// ---- local memory ------------------------------------------------------------------------------

// Sorts eight values a thread by counting where each belongs: indices known at run time only.
__global__ void sort_in_local_memory(const int* __restrict__ x, int* __restrict__ out) {
  int value[8], sorted[8];
  const int base = (blockIdx.x * blockDim.x + threadIdx.x) * 8;
  for (int i = 0; i < 8; ++i) value[i] = x[base + i];
#pragma unroll 1
  for (int i = 0; i < 8; ++i) {
    int place = 0;
#pragma unroll 1
    for (int j = 0; j < 8; ++j) {
      if (value[j] < value[i] || (value[j] == value[i] && j < i)) ++place;
    }
    sorted[place] = value[i];
  }
  for (int i = 0; i < 8; ++i) out[base + i] = sorted[i];
}

}  // namespace moe::simt::kernels
