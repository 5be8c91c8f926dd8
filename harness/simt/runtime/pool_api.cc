// Memory pools and managed memory's hints. A pool is never full and keeps nothing back; all are the
// device's memory under another name.
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <map>
#include <memory>

#include "harness/simt/runtime/pointers.h"
#include "harness/simt/runtime/runtime.h"

using namespace moe::simt;

namespace {

struct Pool {
  std::uint64_t release_threshold = 0;
};
Pool default_pool;
Pool* current_pool = &default_pool;
std::map<const Pool*, std::unique_ptr<Pool>> made_pools;

cudaMemPool_t handle_of(Pool* pool) { return reinterpret_cast<cudaMemPool_t>(pool); }

Pool& find_pool(cudaMemPool_t handle) {
  if (handle == handle_of(&default_pool)) return default_pool;
  const auto found = made_pools.find(reinterpret_cast<const Pool*>(handle));
  if (found != made_pools.end()) return *found->second;
  throw mistake(Check::kBadArgument, cudaErrorInvalidValue,
                fmt::format("{} is no memory pool", fmt::ptr(handle)));
}

cudaError_t give_pool(cudaMemPool_t* result, int device, Pool* pool) {
  return runtime_call("cudaDeviceGetMemPool", [&](Runtime&) {
    if (result == nullptr) return cudaErrorInvalidValue;
    if (device != 0) return cudaErrorInvalidDevice;
    *result = handle_of(pool);
    return cudaSuccess;
  });
}

}  // namespace

extern "C" {

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  return give_pool(pool, device, &default_pool);
}
cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* pool, int device) {
  return give_pool(pool, device, current_pool);
}

cudaError_t cudaDeviceSetMemPool(int device, cudaMemPool_t pool) {
  return runtime_call("cudaDeviceSetMemPool", [&](Runtime&) {
    if (device != 0) return cudaErrorInvalidDevice;
    current_pool = &find_pool(pool);
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* result, const cudaMemPoolProps* properties) {
  return runtime_call("cudaMemPoolCreate", [&](Runtime&) {
    if (result == nullptr || properties == nullptr) return cudaErrorInvalidValue;
    if (properties->allocType != cudaMemAllocationTypePinned ||
        properties->location.type != cudaMemLocationTypeDevice || properties->location.id != 0) {
      throw refusal("only pools of pinned memory of device 0 are simulated");
    }
    auto pool = std::make_unique<Pool>();
    *result = handle_of(pool.get());
    made_pools.emplace(pool.get(), std::move(pool));
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  return runtime_call("cudaMemPoolDestroy", [&](Runtime&) {
    Pool& found = find_pool(pool);
    if (&found == &default_pool) return cudaErrorInvalidValue;
    if (&found == current_pool) current_pool = &default_pool;
    made_pools.erase(&found);
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  return runtime_call("cudaMemPoolSetAttribute", [&](Runtime&) {
    Pool& found = find_pool(pool);
    if (value == nullptr) return cudaErrorInvalidValue;
    if (attribute == cudaMemPoolAttrReleaseThreshold) {
      found.release_threshold = *static_cast<const std::uint64_t*>(value);
    }
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  return runtime_call("cudaMemPoolGetAttribute", [&](Runtime&) -> cudaError_t {
    const Pool& found = find_pool(pool);
    if (value == nullptr) return cudaErrorInvalidValue;
    if (attribute != cudaMemPoolAttrReleaseThreshold) {
      throw refusal(
          fmt::format("memory pool attribute {} is not simulated", static_cast<int>(attribute)));
    }
    *static_cast<std::uint64_t*>(value) = found.release_threshold;
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, std::size_t) {
  return runtime_call("cudaMemPoolTrimTo", [&](Runtime&) {
    find_pool(pool);
    return cudaSuccess;
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
