// What the CUB cases share: the sizes, and the two calls every device-wide algorithm takes.
#pragma once
#include <string>

#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"

namespace moe::simt::cuda_tests {

// algorithm(temporary, bytes): first asked how much memory it wants, then run. A guard: one byte
// less would be out of bounds, and the simulated device would say so.
template <class Algorithm>
void run_cub(Algorithm&& algorithm) {
  std::size_t bytes = 0;
  cuda_check(algorithm(nullptr, bytes));
  DeviceArray<unsigned char> temporary(bytes);
  cuda_check(algorithm(static_cast<void*>(temporary.data()), bytes));
  finish_launch();
}

inline constexpr int kCubSizes[] = {0, 1, 31, 33, 1000};
inline constexpr int kCubLarge = 200'000;

// The first complaint of one(size), named after the size.
template <class One>
std::string for_small_sizes(One&& one) {
  for (int size : kCubSizes) {
    const std::string wrong = one(size);
    if (!wrong.empty()) return "n = " + std::to_string(size) + ": " + wrong;
  }
  return {};
}

}  // namespace moe::simt::cuda_tests
