// Device memory that frees itself.
#pragma once
#include <cstdint>
#include <utility>

#include "kernels/cuda/detail/check.h"

namespace moe::cuda {

// `count` elements of T in device memory, never written. Nothing is allocated for none.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::int64_t count) : count_(count) {
    if (count > 0) {
      check(cudaMalloc(reinterpret_cast<void**>(&data_), static_cast<std::size_t>(bytes())));
    }
  }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~Buffer() { cudaFree(data_); }

  T* data() const { return data_; }
  std::int64_t count() const { return count_; }
  std::int64_t bytes() const { return count_ * static_cast<std::int64_t>(sizeof(T)); }

 private:
  T* data_ = nullptr;
  std::int64_t count_ = 0;
};

}  // namespace moe::cuda
