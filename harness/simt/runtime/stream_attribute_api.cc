// Attributes of streams: how a device places and overlaps work. They are kept and given back, and
// change nothing that a kernel computes.
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "harness/simt/runtime/pointers.h"
#include "harness/simt/runtime/runtime.h"

using namespace moe::simt;

namespace {

bool is_of_streams(cudaLaunchAttributeID which) {
  return which == cudaLaunchAttributeAccessPolicyWindow ||
         which == cudaLaunchAttributeSynchronizationPolicy ||
         which == cudaLaunchAttributePriority || which == cudaLaunchAttributeMemSyncDomainMap ||
         which == cudaLaunchAttributeMemSyncDomain;
}

ApiError unknown_attribute(cudaLaunchAttributeID which) {
  return {cudaErrorInvalidValue,
          fmt::format("attribute {} is not one of a stream", static_cast<int>(which)),
          {},
          false};
}

// What a window names must exist, though no cache is simulated.
void check_window(Runtime& runtime, const cudaAccessPolicyWindow& window) {
  if (!(window.hitRatio >= 0.0f && window.hitRatio <= 1.0f)) {
    throw mistake(Check::kBadArgument, cudaErrorInvalidValue,
                  fmt::format("a hit ratio of {}, not between 0 and 1", window.hitRatio));
  }
  if (window.missProp == cudaAccessPropertyPersisting) {
    throw mistake(Check::kBadArgument, cudaErrorInvalidValue, "what misses cannot be persisting");
  }
  if (window.num_bytes > 0) {
    need_device_range(runtime, window.base_ptr, window.num_bytes, "the access policy window");
  }
}

}  // namespace

extern "C" {

cudaError_t cudaStreamSetAttribute(cudaStream_t handle, cudaLaunchAttributeID which,
                                   const cudaLaunchAttributeValue* value) {
  return runtime_call("cudaStreamSetAttribute", [&](Runtime& runtime) {
    Stream& stream = runtime.streams.stream(handle);
    if (value == nullptr) return cudaErrorInvalidValue;
    if (!is_of_streams(which)) throw unknown_attribute(which);
    if (which == cudaLaunchAttributeAccessPolicyWindow) {
      check_window(runtime, value->accessPolicyWindow);
    }
    if (which == cudaLaunchAttributePriority) stream.priority = value->priority;
    stream.attributes[which] = *value;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamGetAttribute(cudaStream_t handle, cudaLaunchAttributeID which,
                                   cudaLaunchAttributeValue* value) {
  return runtime_call("cudaStreamGetAttribute", [&](Runtime& runtime) {
    const Stream& stream = runtime.streams.stream(handle);
    if (value == nullptr) return cudaErrorInvalidValue;
    if (!is_of_streams(which)) throw unknown_attribute(which);
    const auto found = stream.attributes.find(which);
    *value = found != stream.attributes.end() ? found->second : cudaLaunchAttributeValue{};
    if (which == cudaLaunchAttributePriority) value->priority = stream.priority;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamCopyAttributes(cudaStream_t to, cudaStream_t from) {
  return runtime_call("cudaStreamCopyAttributes", [&](Runtime& runtime) {
    const Stream& source = runtime.streams.stream(from);
    runtime.streams.stream(to).attributes = source.attributes;
    return cudaSuccess;
  });
}

// No cache is simulated, so no line of it persists.
cudaError_t cudaCtxResetPersistingL2Cache() {
  return runtime_call("cudaCtxResetPersistingL2Cache", [](Runtime&) { return cudaSuccess; });
}

}  // extern "C"
