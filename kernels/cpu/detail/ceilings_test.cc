#include "kernels/contract/ceilings.h"

#include <gtest/gtest.h>

namespace moe {
namespace {

// Far below and far above what any machine does: a wrong unit or a loop that was optimised away.
TEST(Ceilings, ArePlausible) {
  const CpuCeilings c = measure_cpu_ceilings();
  EXPECT_GT(c.memory_bytes_per_second, 1e8);
  EXPECT_LT(c.memory_bytes_per_second, 1e13);
  EXPECT_GT(c.cache_bytes_per_second, 1e8);
  EXPECT_GT(c.flops_per_second, 1e8);
  EXPECT_LT(c.flops_per_second, 1e14);
}

TEST(CeilingsOfTheMoment, ArePlausibleForEveryDtype) {
  for (const DType dtype : {DType::kF32, DType::kBf16}) {
    CeilingsOfTheMoment ceilings(dtype);
    for (int i = 0; i < 2; ++i) {
      const Ceilings c = ceilings.measure();
      EXPECT_GT(c.bytes_per_second, 1e8);
      EXPECT_LT(c.bytes_per_second, 1e13);
      EXPECT_GT(c.flops_per_second, 1e8);
      EXPECT_LT(c.flops_per_second, 1e14);
    }
  }
}

}  // namespace
}  // namespace moe
