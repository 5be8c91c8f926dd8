// A kernel that lets nothing behind it in the stream begin until the host says so.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

namespace moe::cuda {

class Hold {
 public:
  Hold() = default;
  ~Hold();
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

  void hold(cudaStream_t stream);
  void release();  // all that was held until now; nothing if nothing was

 private:
  volatile std::uint32_t* released_ = nullptr;  // in memory of the host that the device sees
  std::uint32_t* seen_by_device_ = nullptr;     // the same
  std::uint32_t held_ = 0;                      // tickets given out
};

}  // namespace moe::cuda
