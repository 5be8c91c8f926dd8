// Device memory that frees itself, with copies to and from std::vector.
#pragma once
#include <cstddef>
#include <vector>

#include "harness/simt/cuda_tests/support/cuda_check.h"

namespace moe::simt::cuda_tests {

template <class T>
class DeviceArray {
 public:
  // Never written: the simulated device knows, and reports who reads it.
  explicit DeviceArray(std::size_t count) : count_(count) {
    cuda_check(cudaMalloc(reinterpret_cast<void**>(&data_), count * sizeof(T)));
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) { set(values); }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  static DeviceArray zeros(std::size_t count) { return DeviceArray(count, 0); }

  operator T*() { return data_; }
  T* data() { return data_; }
  std::size_t size() const { return count_; }

  void set(const std::vector<T>& values) {
    cuda_check(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  void fill_bytes(int byte) { cuda_check(cudaMemset(data_, byte, count_ * sizeof(T))); }
  std::vector<T> get() const {
    std::vector<T> values(count_);
    cuda_check(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  DeviceArray(std::size_t count, int byte) : DeviceArray(count) { fill_bytes(byte); }

  T* data_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace moe::simt::cuda_tests
