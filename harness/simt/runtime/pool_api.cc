// Memory pools and managed memory's hints: one pool that is never full and keeps nothing back.
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "harness/simt/runtime/pointers.h"
#include "harness/simt/runtime/runtime.h"

using namespace moe::simt;

namespace {

// The device's pool; a handle is only ever compared.
char default_pool;
std::uint64_t release_threshold = 0;

cudaMemPool_t pool_handle() { return reinterpret_cast<cudaMemPool_t>(&default_pool); }

cudaError_t give_pool(cudaMemPool_t* pool, int device) {
  return runtime_call("cudaDeviceGetDefaultMemPool", [&](Runtime&) {
    if (pool == nullptr) return cudaErrorInvalidValue;
    if (device != 0) return cudaErrorInvalidDevice;
    *pool = pool_handle();
    return cudaSuccess;
  });
}

}  // namespace

extern "C" {

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  return give_pool(pool, device);
}
cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* pool, int device) {
  return give_pool(pool, device);
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  return runtime_call("cudaMemPoolSetAttribute", [&](Runtime&) {
    if (pool != pool_handle() || value == nullptr) return cudaErrorInvalidValue;
    if (attribute == cudaMemPoolAttrReleaseThreshold) {
      release_threshold = *static_cast<const std::uint64_t*>(value);
    }
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  return runtime_call("cudaMemPoolGetAttribute", [&](Runtime&) -> cudaError_t {
    if (pool != pool_handle() || value == nullptr) return cudaErrorInvalidValue;
    if (attribute != cudaMemPoolAttrReleaseThreshold) {
      throw refusal(
          fmt::format("memory pool attribute {} is not simulated", static_cast<int>(attribute)));
    }
    *static_cast<std::uint64_t*>(value) = release_threshold;
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, std::size_t) {
  return runtime_call("cudaMemPoolTrimTo", [&](Runtime&) {
    return pool == pool_handle() ? cudaSuccess : cudaErrorInvalidValue;
  });
}

// Hints move nothing here, but what they name must exist.
cudaError_t cudaMemPrefetchAsync(const void* pointer, std::size_t bytes, cudaMemLocation, unsigned,
                                 cudaStream_t stream) {
  return runtime_call("cudaMemPrefetchAsync", [&](Runtime& runtime) {
    runtime.streams.stream(stream);
    need_device_range(runtime, pointer, bytes, "the memory");
    return cudaSuccess;
  });
}

cudaError_t cudaMemAdvise(const void* pointer, std::size_t bytes, cudaMemoryAdvise,
                          cudaMemLocation) {
  return runtime_call("cudaMemAdvise", [&](Runtime& runtime) {
    need_device_range(runtime, pointer, bytes, "the memory");
    return cudaSuccess;
  });
}

}  // extern "C"
