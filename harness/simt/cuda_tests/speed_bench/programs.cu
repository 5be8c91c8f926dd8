// The two programs whose speed is measured; inputs are made once.
#include <cub/device/device_radix_sort.cuh>

#include "harness/simt/cuda_tests/cases/grouped_gemm_run.h"
#include "harness/simt/cuda_tests/speed_bench/programs.h"

namespace moe::simt::cuda_tests {

void grouped_gemm_512() {
  using Tile = kernels::GemmTile<128, 128, 64, 32, 3>;
  static GroupedGemm<Tile> gemm({0, 131, 131, 257, 512}, 512, 512);
  gemm.launch();
}

void sort_pairs_200k() {
  constexpr int kCount = 200'000, kBits = 6;
  static DeviceArray<int> keys(Numbers(1).integers(kCount, 1 << kBits)), keys_out(kCount);
  static DeviceArray<int> values(Numbers(2).integers(kCount, kCount)), values_out(kCount);
  auto sort = [&](void* temporary, std::size_t& bytes) {
    return cub::DeviceRadixSort::SortPairs(temporary, bytes, keys.data(), keys_out.data(),
                                           values.data(), values_out.data(), kCount, 0, kBits);
  };
  std::size_t bytes = 0;
  cuda_check(sort(nullptr, bytes));
  DeviceArray<unsigned char> temporary(bytes);
  cuda_check(sort(temporary.data(), bytes));
  finish_launch();
}

}  // namespace moe::simt::cuda_tests
