// The plainer half of the corpus as nvcc -G compiles it: every variable in local memory, nothing
// inlined, real calls. Other instructions than the optimised code has.
#include "harness/simt/cuda_tests/support/case.h"

namespace moe::simt::cuda_tests {

Cases program_cases() {
  Cases cases = joined({routing::cases(), scan::cases(), warp::cases(), atomic::cases(),
                        control::cases(), memory::cases(), arithmetic::cases(), tile::cases()});
  for (Case& each : cases) each.effort = Effort::kFewSchedules;
  return cases;
}

}  // namespace moe::simt::cuda_tests
