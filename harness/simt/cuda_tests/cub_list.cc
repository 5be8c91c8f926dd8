// CUB's kernels. A program of its own, because nvcc takes minutes over them.
#include "harness/simt/cuda_tests/support/case.h"

namespace moe::simt::cuda_tests {

Cases program_cases() { return joined({cub_sort::cases(), cub_scan::cases(), cub_block::cases()}); }

}  // namespace moe::simt::cuda_tests
