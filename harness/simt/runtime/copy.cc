// Copies and fills.
#include "harness/simt/runtime/copy.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "harness/simt/runtime/pointers.h"

namespace moe::simt {
namespace {

const std::byte* row(const void* base, std::size_t pitch, std::size_t index) {
  return static_cast<const std::byte*>(base) + pitch * index;
}
std::byte* row(void* base, std::size_t pitch, std::size_t index) {
  return static_cast<std::byte*>(base) + pitch * index;
}

// Bytes from the first row's first to the last row's last.
std::size_t span_of(std::size_t pitch, std::size_t width, std::size_t rows) {
  return rows == 0 ? 0 : pitch * (rows - 1) + width;
}

enum class Side : std::uint8_t { kHost, kDevice, kEither };

void check_side(Runtime& runtime, const void* pointer, std::size_t bytes, Side side,
                const char* role) {
  const Allocation* allocation = allocation_meant(runtime, pointer);
  if (side == Side::kDevice || (side == Side::kEither && allocation != nullptr)) {
    need_device_range(runtime, pointer, bytes, role);
    return;
  }
  allocation = live_allocation(runtime, pointer);
  if (allocation == nullptr) return;  // the host's own
  if (!allocation->host) {
    throw mistake(Check::kBadArgument, cudaErrorInvalidValue,
                  fmt::format("{} is {}: a device pointer where the kind of copy says host", role,
                              place_of(runtime, pointer)));
  }
  need_device_range(runtime, pointer, bytes, role);
}

// How many of the bytes were never written; 0 for the host's own memory.
std::size_t unwritten(const Allocation* allocation, const std::byte* from, std::size_t bytes) {
  if (allocation == nullptr) return 0;
  const std::size_t offset = reinterpret_cast<std::uint64_t>(from) - allocation->begin;
  const std::uint8_t* written = allocation->written.data() + offset;
  return std::count(written, written + bytes, 0);
}

// The written marks travel with the bytes.
void copy_marks(Allocation* to, const std::byte* to_row, const Allocation* from,
                const std::byte* from_row, std::size_t bytes) {
  if (to == nullptr) return;
  std::uint8_t* marks = to->written.data() + (reinterpret_cast<std::uint64_t>(to_row) - to->begin);
  if (from == nullptr || to->host) {
    std::memset(marks, 1, bytes);
  } else {
    std::memmove(marks,
                 from->written.data() + (reinterpret_cast<std::uint64_t>(from_row) - from->begin),
                 bytes);
  }
}

}  // namespace

void check_copy(Runtime& runtime, const Copy& copy) {
  if (copy.kind < cudaMemcpyHostToHost || copy.kind > cudaMemcpyDefault) {
    throw ApiError{cudaErrorInvalidMemcpyDirection, "an unknown kind of copy", {}, false};
  }
  if (copy.width == 0 || copy.rows == 0) return;
  if (copy.rows > 1 && (copy.to_pitch < copy.width || copy.from_pitch < copy.width)) {
    throw ApiError{cudaErrorInvalidPitchValue, "a pitch below the width", {}, false};
  }
  if (copy.to == nullptr || copy.from == nullptr) {
    throw mistake(Check::kBadArgument, cudaErrorInvalidValue, "a null pointer");
  }
  const bool any = copy.kind == cudaMemcpyDefault;
  const bool to_device =
      copy.kind == cudaMemcpyHostToDevice || copy.kind == cudaMemcpyDeviceToDevice;
  const bool from_device =
      copy.kind == cudaMemcpyDeviceToHost || copy.kind == cudaMemcpyDeviceToDevice;
  const auto side = [&](bool device) {
    if (any) return Side::kEither;
    return device ? Side::kDevice : Side::kHost;
  };
  check_side(runtime, copy.to, span_of(copy.to_pitch, copy.width, copy.rows), side(to_device),
             "the destination");
  check_side(runtime, copy.from, span_of(copy.from_pitch, copy.width, copy.rows), side(from_device),
             "the source");
}

void do_copy(Runtime& runtime, const Copy& copy, const std::string& function) {
  Allocation* to = live_allocation(runtime, copy.to);
  const Allocation* from = live_allocation(runtime, copy.from);
  std::size_t never_written = 0;
  for (std::size_t i = 0; i < copy.rows; ++i) {
    std::byte* to_row = row(copy.to, copy.to_pitch, i);
    const std::byte* from_row = row(copy.from, copy.from_pitch, i);
    if (to == nullptr || to->host) never_written += unwritten(from, from_row, copy.width);
    std::memmove(to_row, from_row, copy.width);
    copy_marks(to, to_row, from, from_row, copy.width);
  }
  if (never_written > 0) {
    runtime.record_host(
        Check::kUninitialised, function,
        fmt::format("{} of {} bytes read back from {} were never written", never_written,
                    copy.width * copy.rows, place_of(runtime, copy.from)));
  }
}

cudaError_t copy_in_stream(Runtime& runtime, const Copy& copy, cudaStream_t stream,
                           const char* function) {
  check_copy(runtime, copy);
  if (copy.width == 0 || copy.rows == 0) return cudaSuccess;
  return runtime.streams.submit(
      stream, cudaGraphNodeTypeMemcpy, function, [&runtime, copy, name = std::string(function)] {
        check_copy(runtime, copy);  // a graph may run long after its capture
        do_copy(runtime, copy, name);
        return cudaSuccess;
      });
}

cudaError_t copy_now(Runtime& runtime, const Copy& copy, const char* function) {
  runtime.streams.forbid_legacy_while_capturing();
  runtime.streams.forbid_while_capturing(function);
  return copy_in_stream(runtime, copy, nullptr, function);
}

cudaError_t fill_in_stream(Runtime& runtime, const Fill& fill, cudaStream_t stream,
                           const char* function) {
  if (fill.width == 0 || fill.rows == 0) return cudaSuccess;
  if (fill.rows > 1 && fill.pitch < fill.width) {
    throw ApiError{cudaErrorInvalidPitchValue, "a pitch below the width", {}, false};
  }
  const std::size_t span = span_of(fill.pitch, fill.width, fill.rows);
  need_device_range(runtime, fill.to, span, "the memory to set");
  return runtime.streams.submit(stream, cudaGraphNodeTypeMemset, function, [&runtime, fill, span] {
    need_device_range(runtime, fill.to, span, "the memory to set");
    for (std::size_t i = 0; i < fill.rows; ++i) {
      std::byte* to = row(fill.to, fill.pitch, i);
      std::memset(to, fill.value, fill.width);
      runtime.device.memory.mark_written(to, fill.width);
    }
    return cudaSuccess;
  });
}

}  // namespace moe::simt
