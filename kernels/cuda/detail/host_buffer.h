// Host memory the device copies to without a detour, freed by itself.
#pragma once
#include <cstdint>
#include <span>
#include <utility>

#include "kernels/cuda/detail/check.h"

namespace moe::cuda {

template <class T>
class HostBuffer {
 public:
  HostBuffer() = default;
  explicit HostBuffer(std::int64_t count) : count_(count) {
    if (count > 0) check(cudaMallocHost(reinterpret_cast<void**>(&data_), bytes()));
  }
  HostBuffer(HostBuffer&& other) noexcept { swap(other); }
  HostBuffer& operator=(HostBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~HostBuffer() { cudaFreeHost(data_); }

  T* data() const { return data_; }
  std::span<const T> values() const { return {data_, static_cast<std::size_t>(count_)}; }
  std::size_t bytes() const { return static_cast<std::size_t>(count_) * sizeof(T); }

 private:
  void swap(HostBuffer& other) {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
  }

  T* data_ = nullptr;
  std::int64_t count_ = 0;
};

}  // namespace moe::cuda
