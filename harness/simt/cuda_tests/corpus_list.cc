// The corpus: our own kernels.
#include "harness/simt/cuda_tests/support/case.h"

namespace moe::simt::cuda_tests {

Cases program_cases() {
  return joined({routing_cases(), scan_cases(), warp_cases(), atomic_cases(), control_cases(),
                 memory_cases(), arithmetic_cases(), tile_cases(), pipeline_cases(),
                 grouped_gemm_cases(), bulk_copy_cases(), hopper_gemm_cases()});
}

}  // namespace moe::simt::cuda_tests
