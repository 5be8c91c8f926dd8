#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/hold.h"

namespace moe::cuda {
namespace {

// About two seconds. The host may block while it is held (a full queue of launches, a strategy that
// waits), and then nobody would ever release it.
constexpr long long kMostCycles = 4'000'000'000;

// One thread. A ticket and not a flag: a flag that is cleared and set again before the device looks
// would hold the old work once more.
__global__ void wait_for_ticket(const volatile std::uint32_t* released, std::uint32_t ticket) {
  const long long begin = clock64();
  while (static_cast<std::int32_t>(*released - ticket) < 0 && clock64() - begin < kMostCycles) {
  }
}

}  // namespace

Hold::~Hold() {
  release();
  cudaFreeHost(const_cast<std::uint32_t*>(released_));
}

void Hold::hold(cudaStream_t stream) {
  if (released_ == nullptr) {
    void* memory = nullptr;
    void* mapped = nullptr;
    check(cudaHostAlloc(&memory, sizeof(std::uint32_t), cudaHostAllocMapped));
    released_ = static_cast<std::uint32_t*>(memory);
    *released_ = 0;
    check(cudaHostGetDevicePointer(&mapped, memory, 0));
    seen_by_device_ = static_cast<std::uint32_t*>(mapped);
  }
  wait_for_ticket<<<1, 1, 0, stream>>>(seen_by_device_, ++held_);
  check_launch();
}

void Hold::release() {
  if (released_ != nullptr) *released_ = held_;
}

}  // namespace moe::cuda
