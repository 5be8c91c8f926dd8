// The corpus: our own kernels.
#include "harness/simt/cuda_tests/support/case.h"

namespace moe::simt::cuda_tests {

Cases program_cases() {
  return joined({routing::cases(), scan::cases(), warp::cases(), atomic::cases(), control::cases(),
                 memory::cases(), arithmetic::cases(), tile::cases(), pipeline::cases(),
                 grouped_gemm::cases(), bulk_copy::cases(), hopper_gemm::cases()});
}

}  // namespace moe::simt::cuda_tests
