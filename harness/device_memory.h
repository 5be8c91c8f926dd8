#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/contract/device.h"
#include "kernels/contract/matrix.h"
#include "kernels/contract/shape.h"

namespace moe::harness {

// Where the strategies of a backend keep their numbers: nullptr for the CPU.
inline Device* device_of(Backend backend) {
  return backend == Backend::kCpu ? nullptr : cuda_device();
}

// Memory of a device that frees itself.
class DeviceMemory {
 public:
  DeviceMemory(Device& device, std::size_t bytes)
      : device_(device), data_(bytes > 0 ? device.allocate(bytes) : nullptr) {}
  ~DeviceMemory() {
    if (data_ != nullptr) device_.release(data_);
  }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  Device& device_;
  void* data_;
};

// A copy of a matrix where a strategy reads it: on the host without gaps, on a device with rows
// that begin at multiples of 16 bytes, as its kernels load them.
template <class T>
class Placed {
 public:
  Placed(const std::vector<T>& values, std::int64_t columns, Device* device)
      : columns_(columns), device_(device) {
    constexpr std::int64_t kAlignment = 16 / sizeof(T);
    stride_ = device == nullptr ? columns : (columns + kAlignment - 1) / kAlignment * kAlignment;
    copy_ = spread(values);
    if (device_ == nullptr) return;
    memory_ = std::make_unique<DeviceMemory>(*device_, bytes());
    if (!copy_.empty()) device_->to_device(memory_->template as<T>(), copy_.data(), bytes());
  }

  MatrixView<const T> rows(std::int64_t first, std::int64_t count) const {
    const T* data = device_ == nullptr ? copy_.data() : memory_->template as<T>();
    return {data + first * stride_, count, columns_, stride_};
  }

  bool intact(const std::vector<T>& values) const {
    std::vector<T> now = copy_;
    if (device_ != nullptr && !now.empty()) {
      device_->to_host(now.data(), memory_->template as<T>(), bytes());
    }
    const std::vector<T> then = spread(values);
    return now.empty() || std::memcmp(now.data(), then.data(), bytes()) == 0;
  }

 private:
  std::size_t bytes() const { return copy_.size() * sizeof(T); }

  std::vector<T> spread(const std::vector<T>& values) const {
    if (stride_ == columns_ || columns_ == 0) return values;
    const std::int64_t rows = std::ssize(values) / columns_;
    std::vector<T> out(static_cast<std::size_t>(rows * stride_));
    for (std::int64_t r = 0; r < rows; ++r) {
      std::copy_n(values.begin() + r * columns_, columns_, out.begin() + r * stride_);
    }
    return out;
  }

  std::int64_t columns_;
  std::int64_t stride_ = 0;
  Device* device_;
  std::vector<T> copy_;  // as placed
  std::unique_ptr<DeviceMemory> memory_;
};

}  // namespace moe::harness
