// cudaHostRegister: the host's own memory, made known to the device.
#include <cuda_runtime_api.h>

#include "harness/simt/runtime/pointers.h"
#include "harness/simt/runtime/runtime.h"

using namespace moe::simt;

namespace {

constexpr const char* kLabel = "cudaHostRegister";

}  // namespace

extern "C" {

cudaError_t cudaHostRegister(void* pointer, std::size_t bytes, unsigned) {
  return runtime_call("cudaHostRegister", [&](Runtime& runtime) {
    if (pointer == nullptr || bytes == 0) return cudaErrorInvalidValue;
    runtime.streams.forbid_while_capturing("cudaHostRegister");
    const std::byte* last = static_cast<std::byte*>(pointer) + bytes - 1;
    // What lies between the ends cannot be known already without holding one of them, or being
    // found below the last.
    const Allocation* below = runtime.device.memory.find(reinterpret_cast<std::uint64_t>(last));
    const bool overlaps = below != nullptr && !below->freed &&
                          below->begin + below->bytes > reinterpret_cast<std::uint64_t>(pointer);
    if (overlaps) return cudaErrorHostMemoryAlreadyRegistered;
    runtime.device.memory.adopt(pointer, bytes, kLabel);
    return cudaSuccess;
  });
}

cudaError_t cudaHostUnregister(void* pointer) {
  return runtime_call("cudaHostUnregister", [&](Runtime& runtime) {
    runtime.streams.forbid_while_capturing("cudaHostUnregister");
    const Allocation* allocation = live_allocation(runtime, pointer);
    const bool registered = allocation != nullptr && allocation->label == kLabel &&
                            allocation->begin == reinterpret_cast<std::uint64_t>(pointer);
    if (!registered) return cudaErrorHostMemoryNotRegistered;
    runtime.device.memory.disown(pointer);
    return cudaSuccess;
  });
}

}  // extern "C"
