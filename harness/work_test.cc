#include "harness/work.h"

#include <gtest/gtest.h>

namespace moe::harness {
namespace {

const MoeShape kShape{.tokens = 5, .hidden = 2, .ffn = 7, .experts = 4, .top_k = 2};
const LoadStats kLoad{.tokens_per_expert = {6, 0, 3, 0}, .dead_experts = 2};

TEST(WorkDone, CountsSixOperationsForEachWeightAndAssignment) {
  EXPECT_EQ(work_done(kShape, kLoad, 9).useful_flops, 2.0 * 9 * 3 * 2 * 7);
}
TEST(WorkDone, CountsPaddingAsIssuedAndNotAsUseful) {
  const Work padded = work_done(kShape, kLoad, 24);
  EXPECT_EQ(padded.useful_flops, 2.0 * 9 * 3 * 2 * 7);
  EXPECT_EQ(padded.issued_flops, 2.0 * 24 * 3 * 2 * 7);
}
TEST(WorkDone, TouchesOnlyExpertsWithATokenAndTheTokensTwice) {
  EXPECT_EQ(work_done(kShape, kLoad, 9).touched_bytes, 4.0 * (2 * 3 * 2 * 7 + 5 * 2 + 5 * 2));
}

}  // namespace
}  // namespace moe::harness
