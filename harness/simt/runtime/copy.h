// Copies and fills of global memory, checked and tracked.
#pragma once
#include <driver_types.h>

#include <cstddef>
#include <string>

#include "harness/simt/runtime/runtime.h"

namespace moe::simt {

// A copy of `rows` rows of `width` bytes; one row for a plain copy.
struct Copy {
  void* to = nullptr;
  const void* from = nullptr;
  std::size_t to_pitch = 0, from_pitch = 0;  // bytes from row to row; >= width if rows > 1
  std::size_t width = 0, rows = 1;
  cudaMemcpyKind kind = cudaMemcpyDefault;
};

// Throws ApiError with a finding where a pointer is of the wrong side or the range is not inside
// its allocation; cudaErrorInvalidValue for pitches below the width,
// cudaErrorInvalidMemcpyDirection for an unknown kind.
void check_copy(Runtime& runtime, const Copy& copy);

// Copies (ranges may overlap), and which bytes were ever written with them. Reading bytes back to
// the host that nothing ever wrote is recorded as a finding; the copy succeeds.
void do_copy(Runtime& runtime, const Copy& copy, const std::string& function);

// Checks and does it in the stream.
cudaError_t copy_in_stream(Runtime& runtime, const Copy& copy, cudaStream_t stream,
                           const char* function);
// A call that returns when it is done: in the legacy stream, not while capturing.
cudaError_t copy_now(Runtime& runtime, const Copy& copy, const char* function);

struct Fill {
  void* to = nullptr;
  std::size_t pitch = 0;
  int value = 0;  // the low byte counts
  std::size_t width = 0, rows = 1;
};
cudaError_t fill_in_stream(Runtime& runtime, const Fill& fill, cudaStream_t stream,
                           const char* function);

}  // namespace moe::simt
