#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/stream.h"

namespace moe::cuda {
namespace {

int attribute(cudaDeviceAttr which) {
  int device = 0;
  int value = 0;
  check(cudaGetDevice(&device));
  check(cudaDeviceGetAttribute(&value, which, device));
  return value;
}

}  // namespace

cudaStream_t stream() {
  static const cudaStream_t one = [] {
    cudaStream_t s = nullptr;
    check(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
    return s;
  }();
  return one;
}

void copy_to_device(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream()));
  check(cudaStreamSynchronize(stream()));
}

const DeviceTraits& device_traits() {
  static const DeviceTraits traits = [] {
    DeviceTraits t;
    t.major = attribute(cudaDevAttrComputeCapabilityMajor);
    t.minor = attribute(cudaDevAttrComputeCapabilityMinor);
    t.multiprocessors = attribute(cudaDevAttrMultiProcessorCount);
    t.shared_bytes_a_block = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
    return t;
  }();
  return traits;
}

}  // namespace moe::cuda
