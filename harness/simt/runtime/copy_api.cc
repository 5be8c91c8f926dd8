// cudaMemcpy, cudaMemset and their relatives.
#include <cuda_runtime_api.h>

#include "harness/simt/runtime/copy.h"
#include "harness/simt/runtime/runtime.h"

using namespace moe::simt;

namespace {

// A part of a variable: throws ApiError unless [offset, offset + bytes) lies in it.
std::byte* in_variable(Runtime& runtime, const void* symbol, std::size_t offset,
                       std::size_t bytes) {
  const Modules::Place place = runtime.modules.need_variable(symbol);
  if (offset > place.bytes || bytes > place.bytes - offset) {
    throw mistake(Check::kOutOfBounds, cudaErrorInvalidValue,
                  "the copy goes past the end of the variable");
  }
  return static_cast<std::byte*>(place.address) + offset;
}

Copy plain(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return {to, from, bytes, bytes, bytes, 1, kind};
}

// A variable is device memory, whatever `kind` leaves open.
cudaMemcpyKind kind_to_variable(cudaMemcpyKind kind) {
  if (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice ||
      kind == cudaMemcpyDefault) {
    return kind;
  }
  throw ApiError{cudaErrorInvalidMemcpyDirection, "a variable is on the device", {}, false};
}
cudaMemcpyKind kind_from_variable(cudaMemcpyKind kind) {
  if (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice ||
      kind == cudaMemcpyDefault) {
    return kind;
  }
  throw ApiError{cudaErrorInvalidMemcpyDirection, "a variable is on the device", {}, false};
}

}  // namespace

extern "C" {

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return runtime_call("cudaMemcpy", [&](Runtime& runtime) {
    return copy_now(runtime, plain(to, from, bytes, kind), "cudaMemcpy");
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return runtime_call("cudaMemcpyAsync", [&](Runtime& runtime) {
    return copy_in_stream(runtime, plain(to, from, bytes, kind), stream, "cudaMemcpyAsync");
  });
}

cudaError_t cudaMemcpyPeer(void* to, int to_device, const void* from, int from_device,
                           std::size_t bytes) {
  if (to_device != 0 || from_device != 0) return cudaErrorInvalidDevice;
  return cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToDevice);
}

cudaError_t cudaMemcpy2D(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                         std::size_t width, std::size_t height, cudaMemcpyKind kind) {
  return runtime_call("cudaMemcpy2D", [&](Runtime& runtime) {
    return copy_now(runtime, {to, from, to_pitch, from_pitch, width, height, kind}, "cudaMemcpy2D");
  });
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from,
                              std::size_t from_pitch, std::size_t width, std::size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream) {
  return runtime_call("cudaMemcpy2DAsync", [&](Runtime& runtime) {
    return copy_in_stream(runtime, {to, from, to_pitch, from_pitch, width, height, kind}, stream,
                          "cudaMemcpy2DAsync");
  });
}

cudaError_t cudaMemcpyToSymbol(const void* symbol, const void* from, std::size_t bytes,
                               std::size_t offset, cudaMemcpyKind kind) {
  return runtime_call("cudaMemcpyToSymbol", [&](Runtime& runtime) {
    std::byte* to = in_variable(runtime, symbol, offset, bytes);
    return copy_now(runtime, plain(to, from, bytes, kind_to_variable(kind)), "cudaMemcpyToSymbol");
  });
}

cudaError_t cudaMemcpyToSymbolAsync(const void* symbol, const void* from, std::size_t bytes,
                                    std::size_t offset, cudaMemcpyKind kind, cudaStream_t stream) {
  return runtime_call("cudaMemcpyToSymbolAsync", [&](Runtime& runtime) {
    std::byte* to = in_variable(runtime, symbol, offset, bytes);
    return copy_in_stream(runtime, plain(to, from, bytes, kind_to_variable(kind)), stream,
                          "cudaMemcpyToSymbolAsync");
  });
}

cudaError_t cudaMemcpyFromSymbol(void* to, const void* symbol, std::size_t bytes,
                                 std::size_t offset, cudaMemcpyKind kind) {
  return runtime_call("cudaMemcpyFromSymbol", [&](Runtime& runtime) {
    const std::byte* from = in_variable(runtime, symbol, offset, bytes);
    return copy_now(runtime, plain(to, from, bytes, kind_from_variable(kind)),
                    "cudaMemcpyFromSymbol");
  });
}

cudaError_t cudaMemcpyFromSymbolAsync(void* to, const void* symbol, std::size_t bytes,
                                      std::size_t offset, cudaMemcpyKind kind,
                                      cudaStream_t stream) {
  return runtime_call("cudaMemcpyFromSymbolAsync", [&](Runtime& runtime) {
    const std::byte* from = in_variable(runtime, symbol, offset, bytes);
    return copy_in_stream(runtime, plain(to, from, bytes, kind_from_variable(kind)), stream,
                          "cudaMemcpyFromSymbolAsync");
  });
}

// cudaMemset counts as asynchronous where its memory is on the device, but runs in the legacy
// stream.
cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  return runtime_call("cudaMemset", [&](Runtime& runtime) {
    return fill_in_stream(runtime, {to, bytes, value, bytes, 1}, nullptr, "cudaMemset");
  });
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  return runtime_call("cudaMemsetAsync", [&](Runtime& runtime) {
    return fill_in_stream(runtime, {to, bytes, value, bytes, 1}, stream, "cudaMemsetAsync");
  });
}

cudaError_t cudaMemset2D(void* to, std::size_t pitch, int value, std::size_t width,
                         std::size_t height) {
  return runtime_call("cudaMemset2D", [&](Runtime& runtime) {
    return fill_in_stream(runtime, {to, pitch, value, width, height}, nullptr, "cudaMemset2D");
  });
}

cudaError_t cudaMemset2DAsync(void* to, std::size_t pitch, int value, std::size_t width,
                              std::size_t height, cudaStream_t stream) {
  return runtime_call("cudaMemset2DAsync", [&](Runtime& runtime) {
    return fill_in_stream(runtime, {to, pitch, value, width, height}, stream, "cudaMemset2DAsync");
  });
}

cudaError_t cudaGetSymbolAddress(void** pointer, const void* symbol) {
  return runtime_call("cudaGetSymbolAddress", [&](Runtime& runtime) {
    if (pointer == nullptr) return cudaErrorInvalidValue;
    *pointer = runtime.modules.need_variable(symbol).address;
    return cudaSuccess;
  });
}

cudaError_t cudaGetSymbolSize(std::size_t* bytes, const void* symbol) {
  return runtime_call("cudaGetSymbolSize", [&](Runtime& runtime) {
    if (bytes == nullptr) return cudaErrorInvalidValue;
    *bytes = runtime.modules.need_variable(symbol).bytes;
    return cudaSuccess;
  });
}

}  // extern "C"
