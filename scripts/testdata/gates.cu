// Kernels whose machine code the tests of cuda_gates.py know.
#include <cstdint>

// 8, 16, 32, 64 and 128 bits; shared memory; atomics; a shuffle; a barrier.
__global__ void __launch_bounds__(128)
    widths(const float4* a, float4* b, const float2* c, float2* d, const short* e, short* f,
           const char* g, char* h, float* sum) {
  __shared__ float shared[256];
  const unsigned t = threadIdx.x;
  b[t] = a[t];
  d[t] = c[t];
  f[t] = e[t];
  h[t] = g[t];
  shared[t] = sum[t];
  __syncthreads();
  atomicAdd(sum, __shfl_xor_sync(0xffffffffu, shared[t ^ 1], 1));
  atomicAdd(reinterpret_cast<int*>(shared) + t, 1);
}

// A tensor-core product each of bf16 and int8, ldmatrix, and copies of 16 and of 4 bytes.
__global__ void __launch_bounds__(32) products(const float* from, float* to) {
  __shared__ alignas(16) float tile[256];
  const auto at = static_cast<unsigned>(__cvta_generic_to_shared(tile)) + threadIdx.x * 16;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(at), "l"(from + threadIdx.x * 4));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(at), "l"(from + threadIdx.x));
  asm volatile("cp.async.wait_all;");
  __syncthreads();
  unsigned a[4];
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(a[0]), "=r"(a[1]), "=r"(a[2]), "=r"(a[3])
               : "r"(at));
  float c[4] = {};
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%4, %5}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]));
  int d[4] = {};
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%4, %5}, {%0, %1, %2, %3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]));
  to[threadIdx.x] = c[0] + c[1] + c[2] + c[3] + static_cast<float>(d[0] + d[1] + d[2] + d[3]);
}

// Indexes an array of its own by what it reads: 400 bytes of local memory.
__global__ void local_array(const int* which, float* to) {
  float own[100];
  for (int i = 0; i < 100; ++i) own[i] = static_cast<float>(i) * to[i];
  float sum = 0;
  for (int i = 0; i < 50; ++i) sum += own[which[i]];
  to[0] = sum;
}

#if defined(__CUDA_ARCH__) && defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define HAS_WGMMA 1
#endif

// On sm_90a one wgmma of 64 x 8 x 16 and one bulk copy; elsewhere nothing.
__global__ void __launch_bounds__(128) hopper(std::uint64_t a, std::uint64_t b, float* to) {
#ifdef HAS_WGMMA
  __shared__ alignas(128) float tile[64];
  __shared__ std::uint64_t barrier;
  const auto at = static_cast<unsigned>(__cvta_generic_to_shared(tile));
  const auto full = static_cast<unsigned>(__cvta_generic_to_shared(&barrier));
  if (threadIdx.x == 0) {
    asm volatile(
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], 256, "
        "[%2];" ::"r"(at),
        "l"(to), "r"(full));
  }
  float c[4] = {};
  asm volatile("wgmma.fence.sync.aligned;");
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%0, %1, %2, %3}, %4, %5, 1, 1, 1, 0, "
      "0;"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "l"(a), "l"(b));
  asm volatile("wgmma.commit_group.sync.aligned;");
  asm volatile("wgmma.wait_group.sync.aligned 0;");
  for (int i = 0; i < 4; ++i) to[threadIdx.x * 4 + i] = c[i];
#endif
}
