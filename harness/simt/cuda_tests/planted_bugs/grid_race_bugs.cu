// Blocks that pass data to one another without the fences, scopes or atomics it takes.
#include "harness/simt/cuda_tests/kernels/scan.cuh"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"
#include "harness/simt/cuda_tests/support/planted_bug.h"

namespace moe::simt::cuda_tests::grid_race {
namespace {

template <bool kBroken>
__global__ void plain_increment(int* counter) {
  if (threadIdx.x != 0) return;
  if constexpr (kBroken) {
    *counter = *counter + 1;
  } else {
    atomicAdd(counter, 1);
  }
}

// Block 1 writes data and raises a flag; block 0 waits for the flag and reads the data.
template <bool kBroken>
__global__ void message_by_flag(int* data, int* flag, int* out) {
  if (threadIdx.x != 0) return;
  auto* volatile_flag = static_cast<volatile int*>(flag);
  if (blockIdx.x == 1) {
    *data = 42;
    if (!kBroken) __threadfence();
    *volatile_flag = 1;
  } else {
    while (*volatile_flag == 0) {
    }
    if (!kBroken) __threadfence();
    *out = *data;
  }
}

// The same, but the reader does not wait: it reads only if the flag is up when it looks. Whether
// the bug shows depends on who runs first.
template <bool kBroken>
__global__ void message_if_ready(int* data, int* flag, int* out) {
  if (threadIdx.x != 0) return;
  auto* volatile_flag = static_cast<volatile int*>(flag);
  if (blockIdx.x == 1) {
    *data = 42;
    if (!kBroken) __threadfence();
    *volatile_flag = 1;
  } else {
    *out = 42;
    if (*volatile_flag != 0) {
      if (!kBroken) __threadfence();
      *out = *data;
    }
  }
}

// Release and acquire, but only within the block.
template <bool kBroken>
__global__ void scope_too_narrow(int* data, int* flag, int* out) {
  if (threadIdx.x != 0) return;
  if (blockIdx.x == 1) {
    *data = 42;
    if constexpr (kBroken) {
      asm volatile("st.release.cta.global.s32 [%0], 1;" ::"l"(flag) : "memory");
    } else {
      asm volatile("st.release.gpu.global.s32 [%0], 1;" ::"l"(flag) : "memory");
    }
  } else {
    int seen = 0;
    while (seen == 0) {
      if constexpr (kBroken) {
        asm volatile("ld.acquire.cta.global.s32 %0, [%1];" : "=r"(seen) : "l"(flag) : "memory");
      } else {
        asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(seen) : "l"(flag) : "memory");
      }
    }
    *out = *data;
  }
}

// Each block adds atomically, but the atomicity reaches no further than the block.
template <bool kBroken>
__global__ void atomic_scope_too_narrow(int* counter) {
  if constexpr (kBroken) {
    atomicAdd_block(counter, 1);
  } else {
    atomicAdd(counter, 1);
  }
}

template <bool kBroken>
__global__ void last_block_without_fence(const int* x, int* partial, unsigned* finished,
                                         int* total) {
  if (threadIdx.x != 0) return;
  partial[blockIdx.x] = 2 * x[blockIdx.x];
  if (!kBroken) __threadfence();
  const bool last = atomicAdd(finished, 1u) == gridDim.x - 1;
  if (!last) return;
  if (!kBroken) __threadfence();
  int sum = 0;
  for (unsigned block = 0; block < gridDim.x; ++block) sum += partial[block];
  *total = sum;
}

template <bool kBroken>
__global__ void plain_read_beside_atomics(int* counter, int* out) {
  if (threadIdx.x != 0) return;
  if (blockIdx.x == 0) {
    const int seen = kBroken ? *counter : atomicAdd(counter, 0);
    *out = seen >= 0 ? 1 : 0;
  } else {
    atomicAdd(counter, 1);
  }
}

template <bool kBroken>
__global__ void lock_without_fences(int* lock, int* counter) {
  if (threadIdx.x != 0) return;
  while (atomicCAS(lock, 0, 1) != 0) {
  }
  if (!kBroken) __threadfence();
  *counter = *counter + 1;
  if (!kBroken) __threadfence();
  atomicExch(lock, 0);
}

// Two blocks, two locks, taken in opposite order: stuck only if both get their first one.
template <bool kBroken>
__global__ void locks_in_opposite_order(int* locks, int* counter) {
  if (threadIdx.x != 0) return;
  const int first = kBroken ? static_cast<int>(blockIdx.x) : 0;
  while (atomicCAS(&locks[first], 0, 1) != 0) {
  }
  while (atomicCAS(&locks[1 - first], 0, 1) != 0) {
  }
  atomicAdd(counter, 1);
  atomicExch(&locks[1 - first], 0);
  atomicExch(&locks[first], 0);
}

// No race, only the belief that blocks take their turns in the order of their numbers.
template <bool kBroken>
__global__ void blocks_in_order(int* next, int* out) {
  if (threadIdx.x != 0) return;
  const int turn = atomicAdd(next, 1);
  out[kBroken ? turn : static_cast<int>(blockIdx.x)] = static_cast<int>(blockIdx.x);
}

// ---- programs ----------------------------------------------------------------------------------

template <bool kBroken>
std::string increment() {
  auto counter = DeviceArray<int>::zeros(1);
  plain_increment<kBroken><<<8, 32>>>(counter);
  finish_launch();
  return same(counter.get(), {8});
}

std::string message(void (*kernel)(int*, int*, int*)) {
  auto data = DeviceArray<int>::zeros(1);
  auto flag = DeviceArray<int>::zeros(1);
  DeviceArray<int> out(1);
  kernel<<<2, 32>>>(data, flag, out);
  finish_launch();
  return same(out.get(), {42});
}
template <bool kBroken>
std::string flag_message() {
  return message(message_by_flag<kBroken>);
}
template <bool kBroken>
std::string ready_message() {
  return message(message_if_ready<kBroken>);
}
template <bool kBroken>
std::string scoped_message() {
  return message(scope_too_narrow<kBroken>);
}

template <bool kBroken>
std::string narrow_atomic() {
  auto counter = DeviceArray<int>::zeros(1);
  atomic_scope_too_narrow<kBroken><<<4, 32>>>(counter);
  finish_launch();
  return same(counter.get(), {128});
}

template <bool kBroken>
std::string last_block() {
  const std::vector<int> v = Numbers(231).integers(6, 100);
  DeviceArray<int> x(v), partial(6), total(1);
  auto finished = DeviceArray<unsigned>::zeros(1);
  last_block_without_fence<kBroken><<<6, 32>>>(x, partial, finished, total);
  finish_launch();
  int want = 0;
  for (int each : v) want += 2 * each;
  return same(total.get(), {want});
}

template <bool kBroken>
std::string plain_beside_atomic() {
  auto counter = DeviceArray<int>::zeros(1);
  DeviceArray<int> out(1);
  plain_read_beside_atomics<kBroken><<<4, 32>>>(counter, out);
  finish_launch();
  return same(out.get(), {1});
}

template <bool kBroken>
std::string lock() {
  auto lock = DeviceArray<int>::zeros(1);
  auto counter = DeviceArray<int>::zeros(1);
  lock_without_fences<kBroken><<<4, 32>>>(lock, counter);
  finish_launch();
  return same(counter.get(), {4});
}

template <bool kBroken>
std::string two_locks() {
  auto locks = DeviceArray<int>::zeros(2);
  auto counter = DeviceArray<int>::zeros(1);
  locks_in_opposite_order<kBroken><<<2, 32>>>(locks, counter);
  finish_launch();
  return same(counter.get(), {2});
}

template <bool kBroken>
std::string in_order() {
  auto next = DeviceArray<int>::zeros(1);
  DeviceArray<int> out(6);
  blocks_in_order<kBroken><<<6, 32>>>(next, out);
  finish_launch();
  return same(out.get(), {0, 1, 2, 3, 4, 5});
}

}  // namespace

PlantedBugs bugs() {
  const FoundBy natural = FoundBy::kNaturalOrder;
  return {
      {"plain increment by several blocks",
       natural,
       {Check::kGlobalRace},
       {},
       increment<true>,
       increment<false>},
      {"message to another block without fences",
       natural,
       {Check::kGlobalRace},
       {},
       flag_message<true>,
       flag_message<false>},
      {"message read only if ready, without fences",
       FoundBy::kSchedules,
       {Check::kGlobalRace},
       {},
       ready_message<true>,
       ready_message<false>},
      {"release and acquire of too narrow a scope",
       natural,
       {Check::kGlobalRace},
       {},
       scoped_message<true>,
       scoped_message<false>},
      {"atomics of too narrow a scope",
       natural,
       {Check::kGlobalRace},
       {},
       narrow_atomic<true>,
       narrow_atomic<false>},
      {"last block without __threadfence",
       natural,
       {Check::kGlobalRace},
       {},
       last_block<true>,
       last_block<false>},
      {"plain read beside atomics",
       natural,
       {Check::kGlobalRace},
       {},
       plain_beside_atomic<true>,
       plain_beside_atomic<false>},
      {"lock without fences", natural, {Check::kGlobalRace}, {}, lock<true>, lock<false>},
      {"locks taken in opposite order",
       FoundBy::kSchedules,
       {Check::kDeadlock},
       {},
       two_locks<true>,
       two_locks<false>},
      {"blocks believed to run in order",
       FoundBy::kValuesOverSchedules,
       {},
       {},
       in_order<true>,
       in_order<false>},
  };
}

}  // namespace moe::simt::cuda_tests::grid_race
