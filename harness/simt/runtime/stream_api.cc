// Streams and events.
#include <cuda_runtime_api.h>

#include "harness/simt/runtime/runtime.h"

using namespace moe::simt;

namespace {

cudaStream_t handle_of(Stream& stream) { return reinterpret_cast<cudaStream_t>(&stream); }
cudaEvent_t handle_of(Event& event) { return reinterpret_cast<cudaEvent_t>(&event); }

}  // namespace

extern "C" {

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority) {
  return runtime_call("cudaStreamCreate", [&](Runtime& runtime) {
    if (stream == nullptr || (flags != cudaStreamDefault && flags != cudaStreamNonBlocking)) {
      return cudaErrorInvalidValue;
    }
    *stream = handle_of(runtime.streams.add_stream(flags, priority));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return cudaStreamCreateWithPriority(stream, flags, 0);
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithPriority(stream, cudaStreamDefault, 0);
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  return runtime_call("cudaStreamDestroy", [&](Runtime& runtime) {
    const bool built_in =
        handle == nullptr || handle == cudaStreamLegacy || handle == cudaStreamPerThread;
    if (built_in) return cudaErrorInvalidResourceHandle;
    Stream& stream = runtime.streams.stream(handle);
    runtime.streams.forbid_captured(stream);
    stream.destroyed = true;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return runtime_call("cudaStreamSynchronize", [&](Runtime& runtime) {
    runtime.streams.forbid_captured(runtime.streams.stream(stream));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return runtime_call("cudaStreamQuery", [&](Runtime& runtime) {
    runtime.streams.forbid_captured(runtime.streams.stream(stream));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return runtime_call("cudaStreamWaitEvent", [&](Runtime& runtime) {
    runtime.streams.wait(runtime.streams.stream(stream), runtime.streams.event(event));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamGetFlags(cudaStream_t stream, unsigned* flags) {
  return runtime_call("cudaStreamGetFlags", [&](Runtime& runtime) {
    if (flags == nullptr) return cudaErrorInvalidValue;
    *flags = runtime.streams.stream(stream).flags;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamGetPriority(cudaStream_t stream, int* priority) {
  return runtime_call("cudaStreamGetPriority", [&](Runtime& runtime) {
    if (priority == nullptr) return cudaErrorInvalidValue;
    *priority = runtime.streams.stream(stream).priority;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamGetId(cudaStream_t stream, unsigned long long* id) {
  return runtime_call("cudaStreamGetId", [&](Runtime& runtime) {
    if (id == nullptr) return cudaErrorInvalidValue;
    *id = runtime.streams.stream(stream).id;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  return runtime_call("cudaStreamGetDevice", [&](Runtime& runtime) {
    runtime.streams.stream(stream);
    if (device == nullptr) return cudaErrorInvalidValue;
    *device = 0;
    return cudaSuccess;
  });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  return runtime_call("cudaLaunchHostFunc", [&](Runtime& runtime) {
    if (function == nullptr) return cudaErrorInvalidValue;
    return runtime.streams.submit(stream, cudaGraphNodeTypeHost, "cudaLaunchHostFunc",
                                  [function, data] {
                                    function(data);
                                    return cudaSuccess;
                                  });
  });
}

cudaError_t cudaStreamAddCallback(cudaStream_t handle, cudaStreamCallback_t callback, void* data,
                                  unsigned) {
  return runtime_call("cudaStreamAddCallback", [&](Runtime& runtime) {
    if (callback == nullptr) return cudaErrorInvalidValue;
    runtime.streams.forbid_captured(runtime.streams.stream(handle));
    callback(handle, cudaSuccess, data);
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return runtime_call("cudaEventCreate", [&](Runtime& runtime) {
    constexpr unsigned kKnown =
        cudaEventBlockingSync | cudaEventDisableTiming | cudaEventInterprocess;
    if (event == nullptr || (flags & ~kKnown) != 0) return cudaErrorInvalidValue;
    *event = handle_of(runtime.streams.add_event(flags));
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return runtime_call("cudaEventDestroy", [&](Runtime& runtime) {
    runtime.streams.event(event).destroyed = true;
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned) {
  return runtime_call("cudaEventRecord", [&](Runtime& runtime) {
    runtime.streams.record(runtime.streams.stream(stream), runtime.streams.event(event));
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return cudaEventRecordWithFlags(event, stream, cudaEventRecordDefault);
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return runtime_call("cudaEventQuery", [&](Runtime& runtime) {
    return runtime.streams.event(event).capture != nullptr ? cudaErrorCapturedEvent : cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return runtime_call("cudaEventSynchronize", [&](Runtime& runtime) {
    return runtime.streams.event(event).capture != nullptr ? cudaErrorCapturedEvent : cudaSuccess;
  });
}

cudaError_t cudaEventElapsedTime(float*, cudaEvent_t, cudaEvent_t) {
  return runtime_call("cudaEventElapsedTime", [](Runtime&) -> cudaError_t {
    throw refusal("a simulated device has no time");
  });
}

}  // extern "C"
