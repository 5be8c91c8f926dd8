#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "harness/device_memory.h"
#include "kernels/contract/matrix.h"

namespace moe::harness {

// A [rows, cols] output with a band of known values on either side, and poison inside: what a
// strategy leaves unwritten stays NaN, what it writes beyond its rows shows in the bands.
class GuardedMatrix {
 public:
  // device: where the strategy writes; nullptr: here.
  GuardedMatrix(std::int64_t rows, std::int64_t cols, Device* device = nullptr);

  MatrixView<float> view();
  void poison();
  bool guards_intact() const;
  std::vector<float> copy() const;  // waits for the device

 private:
  std::vector<float> everything() const;

  // More than one row of any model, so that a write one row too far does not jump the band.
  static constexpr std::int64_t kGuard = 16384;

  std::int64_t rows_;
  std::int64_t cols_;
  Device* device_;
  std::int64_t stride_;  // on a device rows begin at multiples of 16 bytes
  std::vector<float> memory_;
  std::unique_ptr<DeviceMemory> on_device_;
};

}  // namespace moe::harness
