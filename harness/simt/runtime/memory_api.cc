// cudaMalloc and its relatives, and what may go wrong when memory is given back.
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "harness/simt/runtime/pointers.h"
#include "harness/simt/runtime/runtime.h"

namespace moe::simt {
namespace {

constexpr std::size_t kPitch = 512;  // rows of cudaMallocPitch start at multiples of it

enum class Where : std::uint8_t { kDevice, kHost };

void* allocate(Runtime& runtime, std::size_t bytes, const char* label, Where where) {
  if (bytes == 0) return nullptr;
  if (bytes > Runtime::kDeviceBytes ||
      runtime.device.memory.live_bytes() > Runtime::kDeviceBytes - bytes) {
    throw ApiError{cudaErrorMemoryAllocation, "the simulated device is full", {}, false};
  }
  void* pointer = runtime.device.memory.allocate(bytes, label, where == Where::kHost);
  // The host may write it at any time, unseen: nothing in it can be called uninitialised.
  if (where == Where::kHost) runtime.device.memory.mark_written(pointer, bytes);
  return pointer;
}

cudaError_t allocate_call(const char* function, void** pointer, std::size_t bytes, Where where) {
  return runtime_call(function, [&](Runtime& runtime) {
    if (pointer == nullptr) return cudaErrorInvalidValue;
    runtime.streams.forbid_while_capturing(function);
    *pointer = allocate(runtime, bytes, function, where);
    return cudaSuccess;
  });
}

cudaError_t release(Runtime& runtime, void* pointer, Where where) {
  if (pointer == nullptr) return cudaSuccess;
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  const Allocation* allocation = runtime.device.memory.find(address);
  if (allocation != nullptr && allocation->begin == address && !allocation->freed) {
    const bool pinned =
        allocation->label == "cudaMallocHost" || allocation->label == "cudaHostAlloc";
    if (pinned != (where == Where::kHost)) {
      throw mistake(Check::kBadArgument, cudaErrorInvalidValue,
                    fmt::format("{} was allocated by {}", pointer, allocation->label));
    }
    if (!allocation->label.starts_with("cuda")) {
      throw mistake(Check::kBadArgument, cudaErrorInvalidValue,
                    fmt::format("{} is the variable {}", pointer, allocation->label));
    }
  }
  switch (runtime.device.memory.release(pointer)) {
    case Memory::FreeResult::kFreed:
      return cudaSuccess;
    case Memory::FreeResult::kAlreadyFreed:
      throw mistake(Check::kDoubleFree, cudaErrorInvalidValue,
                    fmt::format("{} was freed before", pointer));
    case Memory::FreeResult::kInsideAllocation:
      throw mistake(
          Check::kBadArgument, cudaErrorInvalidValue,
          fmt::format("{} points inside an allocation: {}", pointer, place_of(runtime, pointer)));
    case Memory::FreeResult::kUnknown:
      break;
  }
  throw mistake(Check::kBadArgument, cudaErrorInvalidValue,
                fmt::format("{} is not from cudaMalloc", pointer));
}

cudaError_t release_call(const char* function, void* pointer, Where where) {
  return runtime_call(function, [&](Runtime& runtime) {
    runtime.streams.forbid_while_capturing(function);
    return release(runtime, pointer, where);
  });
}

}  // namespace
}  // namespace moe::simt

using namespace moe::simt;

extern "C" {

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  return allocate_call("cudaMalloc", pointer, bytes, Where::kDevice);
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
  return allocate_call("cudaMallocHost", pointer, bytes, Where::kHost);
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned) {
  return allocate_call("cudaHostAlloc", pointer, bytes, Where::kHost);
}

cudaError_t cudaMallocManaged(void** pointer, std::size_t bytes, unsigned flags) {
  if (bytes == 0 || (flags != cudaMemAttachGlobal && flags != cudaMemAttachHost)) {
    return runtime_call("cudaMallocManaged", [](Runtime&) { return cudaErrorInvalidValue; });
  }
  return allocate_call("cudaMallocManaged", pointer, bytes, Where::kHost);
}

cudaError_t cudaMallocPitch(void** pointer, std::size_t* pitch, std::size_t width,
                            std::size_t height) {
  if (pitch == nullptr) return cudaErrorInvalidValue;
  *pitch = (width + kPitch - 1) / kPitch * kPitch;
  return allocate_call("cudaMallocPitch", pointer, *pitch * height, Where::kDevice);
}

cudaError_t cudaFree(void* pointer) { return release_call("cudaFree", pointer, Where::kDevice); }
cudaError_t cudaFreeHost(void* pointer) {
  return release_call("cudaFreeHost", pointer, Where::kHost);
}

// Stream-ordered allocation: at once, because work is run as it is issued.
cudaError_t cudaMallocAsync(void** pointer, std::size_t bytes, cudaStream_t stream) {
  return runtime_call("cudaMallocAsync", [&](Runtime& runtime) {
    if (pointer == nullptr) return cudaErrorInvalidValue;
    if (runtime.streams.stream(stream).capture != nullptr) {
      throw refusal("memory nodes of graphs are not simulated");
    }
    *pointer = allocate(runtime, bytes, "cudaMallocAsync", Where::kDevice);
    return cudaSuccess;
  });
}

cudaError_t cudaMallocFromPoolAsync(void** pointer, std::size_t bytes, cudaMemPool_t,
                                    cudaStream_t stream) {
  return cudaMallocAsync(pointer, bytes, stream);
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  return runtime_call("cudaFreeAsync", [&](Runtime& runtime) {
    if (runtime.streams.stream(stream).capture != nullptr) {
      throw refusal("memory nodes of graphs are not simulated");
    }
    return release(runtime, pointer, Where::kDevice);
  });
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return runtime_call("cudaMemGetInfo", [&](Runtime& runtime) {
    if (free == nullptr || total == nullptr) return cudaErrorInvalidValue;
    *total = Runtime::kDeviceBytes;
    *free = Runtime::kDeviceBytes - runtime.device.memory.live_bytes();
    return cudaSuccess;
  });
}

cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned flags) {
  return runtime_call("cudaHostGetDevicePointer", [&](Runtime& runtime) {
    const Allocation* allocation = live_allocation(runtime, host);
    if (device == nullptr || flags != 0 || allocation == nullptr || !allocation->host) {
      return cudaErrorInvalidValue;
    }
    *device = host;
    return cudaSuccess;
  });
}

cudaError_t cudaHostGetFlags(unsigned* flags, void* host) {
  return runtime_call("cudaHostGetFlags", [&](Runtime& runtime) {
    const Allocation* allocation = live_allocation(runtime, host);
    if (flags == nullptr || allocation == nullptr || !allocation->host)
      return cudaErrorInvalidValue;
    *flags = cudaHostAllocMapped;
    return cudaSuccess;
  });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  return runtime_call("cudaPointerGetAttributes", [&](Runtime& runtime) {
    if (attributes == nullptr) return cudaErrorInvalidValue;
    *attributes = {};
    attributes->device = -1;
    attributes->hostPointer = const_cast<void*>(pointer);
    const Allocation* allocation = live_allocation(runtime, pointer);
    if (allocation == nullptr) {
      attributes->type = cudaMemoryTypeUnregistered;
      return cudaSuccess;
    }
    attributes->device = 0;
    attributes->devicePointer = const_cast<void*>(pointer);
    const bool managed = allocation->host && allocation->label != "cudaMallocHost" &&
                         allocation->label != "cudaHostAlloc" &&
                         allocation->label != "cudaHostRegister";
    attributes->type = managed            ? cudaMemoryTypeManaged
                       : allocation->host ? cudaMemoryTypeHost
                                          : cudaMemoryTypeDevice;
    if (!allocation->host) attributes->hostPointer = nullptr;
    return cudaSuccess;
  });
}

}  // extern "C"
