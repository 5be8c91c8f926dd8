// The stream everything runs on, and what the device is.
#pragma once
#include <cuda_runtime.h>

#include <cstddef>

namespace moe::cuda {

// The stream of this process's work: never the legacy default stream, which cannot be captured.
cudaStream_t stream();

// Copies to the device in that stream, and waits. cudaMemcpy would not do: it may return before the
// bytes have arrived, in a stream that this one does not wait for.
void copy_to_device(void* to, const void* from, std::size_t bytes);

// What decides which kernel is launched. Asked once a process.
struct DeviceTraits {
  int major = 0, minor = 0;      // compute capability
  int multiprocessors = 0;       // persistent grids have as many blocks, times occupancy
  int shared_bytes_a_block = 0;  // the most a block may opt in to
  bool has_wgmma() const { return major == 9 && minor == 0; }
  bool has_e4m3() const { return major > 8 || (major == 8 && minor >= 9); }
};
const DeviceTraits& device_traits();

}  // namespace moe::cuda
