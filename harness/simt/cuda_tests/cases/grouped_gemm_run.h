// Runs the grouped product on one problem and compares it: for the corpus and for the speed
// program.
#pragma once
#include <vector>

#include "harness/simt/cuda_tests/kernels/grouped_gemm.cuh"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"

namespace moe::simt::cuda_tests {

// The inputs on the device, and a launch that can be repeated.
template <class Tile>
class GroupedGemm {
 public:
  GroupedGemm(const std::vector<int>& offsets, int n, int k)
      : experts_(static_cast<int>(offsets.size()) - 1),
        m_(offsets.back()),
        n_(n),
        k_(k),
        offsets_(offsets),
        a_(Numbers(81).bfloats(static_cast<std::size_t>(m_) * k)),
        b_(Numbers(82).bfloats(static_cast<std::size_t>(experts_) * n * k)),
        device_offsets_(offsets),
        device_a_(a_),
        device_b_(b_),
        c_(static_cast<std::size_t>(m_) * n) {
    for (int e = 0; e < experts_; ++e) {
      tiles_ += (offsets[e + 1] - offsets[e] + Tile::kRows - 1) / Tile::kRows;
    }
    allow_shared(kernels::grouped_gemm<Tile>, Tile::kSharedBytes);
  }

  void launch() {
    const dim3 grid((n_ + Tile::kColumns - 1) / Tile::kColumns, tiles_);
    kernels::grouped_gemm<Tile><<<grid, Tile::kThreads, Tile::kSharedBytes>>>(
        device_a_, device_b_, device_offsets_, experts_, n_, k_, c_);
    finish_launch();
  }

  std::string compare() const {
    const std::vector<float> got = c_.get();
    std::string wrong;
    for (int e = 0; e < experts_ && wrong.empty(); ++e) {
      const int begin = offsets_[e], rows = offsets_[e + 1] - begin;
      const std::vector<__nv_bfloat16> a(a_.begin() + begin * k_, a_.begin() + (begin + rows) * k_);
      const std::vector<__nv_bfloat16> b(b_.begin() + e * n_ * k_, b_.begin() + (e + 1) * n_ * k_);
      const Product want = product(a, b, rows, n_, k_, 2 * kFloatUnit, to_double);
      wrong = near(std::vector<float>(got.begin() + begin * n_, got.begin() + (begin + rows) * n_),
                   want.value, want.bound);
    }
    return wrong;
  }

 private:
  int experts_, m_, n_, k_, tiles_ = 0;
  std::vector<int> offsets_;
  std::vector<__nv_bfloat16> a_, b_;
  DeviceArray<int> device_offsets_;
  DeviceArray<__nv_bfloat16> device_a_, device_b_;
  DeviceArray<float> c_;
};

template <class Tile>
std::string grouped_gemm_error(const std::vector<int>& offsets, int n, int k) {
  GroupedGemm<Tile> gemm(offsets, n, k);
  gemm.launch();
  return gemm.compare();
}

}  // namespace moe::simt::cuda_tests
