// Barriers in shared memory that count arrivals and bytes (PTX ISA 9.0, mbarrier). A wait names the
// parity of the phase it wants to be over: a fresh barrier is in phase 0, so a wait for parity 1
// returns at once.
#pragma once
#include "harness/simt/cuda_tests/kernels/ptx.cuh"

namespace moe::simt::kernels {

__device__ __forceinline__ void mbarrier_init(std::uint64_t* barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)),
               "r"(arrivals)
               : "memory");
}
// Makes the initialisation known to bulk copies and to the other blocks of a cluster. sm_90.
__device__ __forceinline__ void fence_mbarrier_init() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
__device__ __forceinline__ void mbarrier_arrive(std::uint64_t* barrier) {
  asm volatile("{ .reg .b64 state; mbarrier.arrive.shared::cta.b64 state, [%0]; }" ::"r"(
                   shared_address(barrier))
               : "memory");
}
__device__ __forceinline__ void mbarrier_arrive_expect(std::uint64_t* barrier, int bytes) {
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)),
      "r"(bytes)
      : "memory");
}
// At the barrier of the same name in block `rank` of the cluster.
__device__ __forceinline__ void mbarrier_arrive_at(std::uint64_t* barrier, std::uint32_t rank) {
  asm volatile(
      "{ .reg .b32 there; mapa.shared::cluster.u32 there, %0, %1;\n"
      "  mbarrier.arrive.release.cluster.shared::cluster.b64 _, [there]; }" ::"r"(
          shared_address(barrier)),
      "r"(rank)
      : "memory");
}

// When the thread's cp.async copies so far are done; counts as one of the expected arrivals.
__device__ __forceinline__ void mbarrier_arrive_after_copies(std::uint64_t* barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(shared_address(barrier))
               : "memory");
}
// sm_80 has only test_wait; a poll all the same.
__device__ __forceinline__ bool mbarrier_is_over(std::uint64_t* barrier, int parity) {
  std::uint32_t over;
  asm volatile(
      "{ .reg .pred over; mbarrier.test_wait.parity.shared::cta.b64 over, [%1], %2;\n"
      "  selp.u32 %0, 1, 0, over; }"
      : "=r"(over)
      : "r"(shared_address(barrier)), "r"(parity)
      : "memory");
  return over != 0;
}
__device__ __forceinline__ void mbarrier_poll(std::uint64_t* barrier, int parity) {
  while (!mbarrier_is_over(barrier, parity)) {
  }
}
// sm_90: may sleep.
__device__ __forceinline__ void mbarrier_wait(std::uint64_t* barrier, int parity) {
  std::uint32_t over;
  do {
    asm volatile(
        "{ .reg .pred over; mbarrier.try_wait.parity.shared::cta.b64 over, [%1], %2;\n"
        "  selp.u32 %0, 1, 0, over; }"
        : "=r"(over)
        : "r"(shared_address(barrier)), "r"(parity)
        : "memory");
  } while (over == 0);
}
// The same where arrivals come from the whole cluster.
__device__ __forceinline__ void mbarrier_wait_cluster(std::uint64_t* barrier, int parity) {
  std::uint32_t over;
  do {
    asm volatile(
        "{ .reg .pred over;\n"
        "  mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 over, [%1], %2;\n"
        "  selp.u32 %0, 1, 0, over; }"
        : "=r"(over)
        : "r"(shared_address(barrier)), "r"(parity)
        : "memory");
  } while (over == 0);
}

}  // namespace moe::simt::kernels
