#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/machine/test_kernel.h"

namespace moe::simt {
namespace {

// Warp 0 waits for warp 1's flag, then reads its datum. The natural schedule runs warp 0 first.
std::string message(const char* wait, const char* datum, const char* post) {
  return fmt::format(R"(
  .shared .align 8 .b8 flag[4];
  .shared .align 8 .b8 datum[4];
  setp.ne.u32 %p1, %r1, 0;
  @%p1 bra cleared;
  st.shared.u32 [flag], 0;
cleared:
  bar.sync 0;
  setp.eq.u32 %p1, %r1, 0;
  @%p1 bra wait;
  setp.ne.u32 %p1, %r1, 32;
  @%p1 bra done;
  st.shared.u32 [datum], 41;
  {}
  bra done;
wait:
  {}
  setp.eq.u32 %p2, %r4, 0;
  @%p2 bra wait;
  {}
  ld.shared.u32 %r3, [datum];
  st.global.u32 [%rd1], %r3;
done:
  ret;
)",
                     post, wait, datum);
}

KernelRun run_message(const char* post, const char* wait, const char* after,
                      Schedule schedule = Schedule::kNatural) {
  KernelCase test{.body = message(wait, after, post), .threads = 64};
  test.settings.schedule = schedule;
  return run_kernel(test);
}

TEST(Order, ReleaseAndAcquireCarryTheData) {
  for (const Schedule schedule : {Schedule::kNatural, Schedule::kReversed, Schedule::kRandom}) {
    const KernelRun run = run_message("st.release.cta.shared.u32 [flag], 1;",
                                      "ld.acquire.cta.shared.u32 %r4, [flag];", "", schedule);
    EXPECT_EQ(run.text(), "");
    EXPECT_EQ(run.out[0], 41u);
  }
}

TEST(Order, FencesAndRelaxedAccessesCarryTheData) {
  for (const char* fence :
       {"fence.acq_rel.cta;", "fence.sc.gpu;", "membar.cta;", "membar.gl;", "fence.cluster;"}) {
    const std::string post = fmt::format("{} st.relaxed.cta.shared.u32 [flag], 1;", fence);
    const KernelRun run =
        run_message(post.c_str(), "ld.relaxed.cta.shared.u32 %r4, [flag];", fence);
    EXPECT_EQ(run.text(), "") << fence;
    EXPECT_EQ(run.out[0], 41u);
  }
}

TEST(Order, VolatileFlagsWithFencesCarryTheData) {
  const KernelRun run = run_message("membar.cta; st.volatile.shared.u32 [flag], 1;",
                                    "ld.volatile.shared.u32 %r4, [flag];", "membar.cta;");
  EXPECT_EQ(run.text(), "");
  EXPECT_EQ(run.out[0], 41u);
}

// Warp 0, which the natural schedule runs first, would otherwise poll for a whole time slice.
TEST(Order, APollThatFailsLetsOthersRun) {
  for (const char* load : {"ld.volatile.global", "ld.relaxed.gpu.global", "ld.acquire.sys"}) {
    const std::string body = fmt::format(R"(
  setp.ge.u32 %p1, %r1, 32;
  @%p1 bra post;
wait:
  {}.u32 %r3, [%rd1];
  setp.eq.u32 %p2, %r3, 0;
  @%p2 bra wait;
  ret;
post:
  st.volatile.global.u32 [%rd1], 1;
  ret;
)",
                                         load);
    const KernelRun run = run_kernel({.body = body, .threads = 64});
    EXPECT_EQ(run.text(), "");
    const auto loads = static_cast<int>(InstructionClass::kLoad);
    EXPECT_LT(run.report.counters.warp_instructions[loads], 10u) << load;
  }
}

TEST(Order, RelaxedAccessesAloneDoNotCarryTheData) {
  const KernelRun run = run_message("st.relaxed.cta.shared.u32 [flag], 1;",
                                    "ld.relaxed.cta.shared.u32 %r4, [flag];", "");
  EXPECT_EQ(run.out[0], 41u);
  EXPECT_TRUE(run.found(Check::kSharedRace)) << run.text();
}

TEST(Order, AFenceOnOneSideOnlyDoesNotCarryTheData) {
  EXPECT_TRUE(run_message("membar.cta; st.relaxed.cta.shared.u32 [flag], 1;",
                          "ld.relaxed.cta.shared.u32 %r4, [flag];", "")
                  .found(Check::kSharedRace));
  EXPECT_TRUE(run_message("st.relaxed.cta.shared.u32 [flag], 1;",
                          "ld.relaxed.cta.shared.u32 %r4, [flag];", "membar.cta;")
                  .found(Check::kSharedRace));
}

// A flag of a finished block's scope does not reach another block.
TEST(Order, BlockScopeDoesNotReachAnotherBlock) {
  const auto run = [](const char* scope) {
    const std::string body = fmt::format(R"(
  setp.ne.u32 %p1, %r1, 0;
  @%p1 ret;
  setp.eq.u32 %p1, %r2, 1;
  @%p1 bra reader;
  st.global.u32 [%rd1], 41;
  st.release.{0}.global.u32 [%rd1+4], 1;
  ret;
reader:
  ld.acquire.{0}.global.u32 %r4, [%rd1+4];
  setp.eq.u32 %p2, %r4, 0;
  @%p2 bra reader;
  ld.global.u32 %r3, [%rd1];
  st.global.u32 [%rd1+8], %r3;
  ret;
)",
                                         scope);
    return run_kernel({.body = body, .blocks = 2});
  };
  EXPECT_EQ(run("gpu").text(), "");
  EXPECT_TRUE(run("cta").found(Check::kGlobalRace));
}

}  // namespace
}  // namespace moe::simt
