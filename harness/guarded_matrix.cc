#include "harness/guarded_matrix.h"

#include <algorithm>
#include <bit>

namespace moe::harness {
namespace {

constexpr std::uint32_t kPoison = 0xFFFFFFFF;    // a NaN
constexpr std::uint32_t kSentinel = 0x7FA5A5A5;  // another NaN: no arithmetic makes this very one
constexpr std::int64_t kAlignment = 4;           // floats in 16 bytes

bool is_sentinel(float f) { return std::bit_cast<std::uint32_t>(f) == kSentinel; }

}  // namespace

GuardedMatrix::GuardedMatrix(std::int64_t rows, std::int64_t cols, Device* device)
    : rows_(rows),
      cols_(cols),
      device_(device),
      stride_(device == nullptr ? cols : (cols + kAlignment - 1) / kAlignment * kAlignment),
      memory_(static_cast<std::size_t>(rows * stride_ + 2 * kGuard),
              std::bit_cast<float>(kSentinel)) {
  if (device_ != nullptr) {
    on_device_ = std::make_unique<DeviceMemory>(*device_, memory_.size() * sizeof(float));
    device_->to_device(on_device_->as<float>(), memory_.data(), memory_.size() * sizeof(float));
  }
  poison();
}

MatrixView<float> GuardedMatrix::view() {
  float* data = device_ == nullptr ? memory_.data() : on_device_->as<float>();
  return {data + kGuard, rows_, cols_, stride_};
}

void GuardedMatrix::poison() {
  for (std::int64_t r = 0; r < rows_; ++r) {
    std::fill_n(memory_.begin() + kGuard + r * stride_, cols_, std::bit_cast<float>(kPoison));
  }
  if (device_ != nullptr && rows_ * stride_ > 0) {
    device_->to_device(view().data, memory_.data() + kGuard,
                       static_cast<std::size_t>(rows_ * stride_) * sizeof(float));
  }
}

std::vector<float> GuardedMatrix::everything() const {
  if (device_ == nullptr) return memory_;
  std::vector<float> now(memory_.size());
  device_->to_host(now.data(), on_device_->as<float>(), now.size() * sizeof(float));
  return now;
}

// The columns between a row and the next are guards too.
bool GuardedMatrix::guards_intact() const {
  const auto now = everything();
  for (std::int64_t r = 0; r < rows_; ++r) {
    const auto row = now.begin() + kGuard + r * stride_;
    if (!std::all_of(row + cols_, row + stride_, is_sentinel)) return false;
  }
  return std::all_of(now.begin(), now.begin() + kGuard, is_sentinel) &&
         std::all_of(now.end() - kGuard, now.end(), is_sentinel);
}

std::vector<float> GuardedMatrix::copy() const {
  const auto now = everything();
  std::vector<float> rows;
  rows.reserve(static_cast<std::size_t>(rows_ * cols_));
  for (std::int64_t r = 0; r < rows_; ++r) {
    const auto row = now.begin() + kGuard + r * stride_;
    rows.insert(rows.end(), row, row + cols_);
  }
  return rows;
}

}  // namespace moe::harness
