// What is never written poisons a result only if the result depends on it. A branch tells.
#include <gtest/gtest.h>

#include "harness/simt/machine/test_kernel.h"

namespace moe::simt {
namespace {

// %r3 is a shared word that nobody wrote, %p1 a predicate made of it; %r4 is 0, %p2 false, %p3
// true. Branches on the predicate %p9 that `statements` set.
bool branch_is_poisoned(const std::string& statements) {
  const KernelRun run = run_kernel({.body = R"(
  ld.shared.b32 %r3, [never];
  setp.eq.u32 %p1, %r3, 7;
  mov.u32 %r4, 0;
  setp.ne.u32 %p2, %r4, 0;
  not.pred %p3, %p2;
)" + statements + R"(
  @%p9 bra DONE;
DONE:
  ret;)",
                                    .threads = 1,
                                    .module_scope = ".shared .align 4 .b32 never;"});
  return run.found(Check::kUninitialised);
}

TEST(Poison, GoesThroughArithmetic) {
  EXPECT_TRUE(branch_is_poisoned("add.u32 %r5, %r3, 1; setp.eq.u32 %p9, %r5, 0;"));
  EXPECT_TRUE(branch_is_poisoned(
      "mov.b64 %rd3, {%r4, %r3}; mov.b64 {%r5, %r6}, %rd3; setp.eq.u32 %p9, %r6, 0;"));
  EXPECT_TRUE(
      branch_is_poisoned("add.cc.u32 %r5, %r3, 1; addc.u32 %r6, 0, 0; setp.eq.u32 %p9, %r6, 0;"));
  EXPECT_FALSE(branch_is_poisoned("add.u32 %r5, %r4, 1; setp.eq.u32 %p9, %r5, 0;"));
}

TEST(Poison, StopsAtAnOperandThatDecides) {
  EXPECT_FALSE(branch_is_poisoned("and.b32 %r5, %r3, %r4; setp.eq.u32 %p9, %r5, 0;"));
  EXPECT_TRUE(branch_is_poisoned("or.b32 %r5, %r3, %r4; setp.eq.u32 %p9, %r5, 0;"));
  EXPECT_FALSE(branch_is_poisoned("or.b32 %r5, %r3, 0xffffffff; setp.eq.u32 %p9, %r5, 0;"));
  EXPECT_FALSE(branch_is_poisoned("and.pred %p9, %p1, %p2;"));
  EXPECT_TRUE(branch_is_poisoned("and.pred %p9, %p1, %p3;"));
  EXPECT_FALSE(branch_is_poisoned("or.pred %p9, %p1, %p3;"));
  EXPECT_FALSE(branch_is_poisoned("setp.eq.and.u32 %p9, %r3, 7, %p2;"));
  EXPECT_TRUE(branch_is_poisoned("setp.eq.and.u32 %p9, %r3, 7, %p3;"));
}

TEST(Poison, GoesWithTheValueThatIsChosen) {
  EXPECT_FALSE(branch_is_poisoned("selp.b32 %r5, %r4, %r3, %p3; setp.eq.u32 %p9, %r5, 0;"));
  EXPECT_TRUE(branch_is_poisoned("selp.b32 %r5, %r4, %r3, %p2; setp.eq.u32 %p9, %r5, 0;"));
  EXPECT_TRUE(branch_is_poisoned("selp.b32 %r5, %r4, %r4, %p1; setp.eq.u32 %p9, %r5, 0;"));
  EXPECT_FALSE(branch_is_poisoned("slct.u32.s32 %r5, %r4, %r3, %r4; setp.eq.u32 %p9, %r5, 0;"));
}

}  // namespace
}  // namespace moe::simt
