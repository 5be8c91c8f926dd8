// What the speed program repeats.
#pragma once

namespace moe::simt::cuda_tests {

void grouped_gemm_512();  // four experts, 512 rows in all, N = K = 512
void sort_pairs_200k();   // CUB's DeviceRadixSort::SortPairs of 32-bit keys by 6 bits

}  // namespace moe::simt::cuda_tests
