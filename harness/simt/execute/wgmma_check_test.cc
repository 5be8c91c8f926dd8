// What must be found in wrong uses of wgmma - each beside the right use that is not reported - in
// every order of completion.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/execute/wgmma_test_kernel.h"

namespace moe::simt {
namespace {

using testing::HasSubstr;

const WgmmaProblem kProblem{.columns = 16};

std::string product(const std::string& scale_d = "1") { return wgmma_statement(kProblem, scale_d); }

class WgmmaChecks : public testing::TestWithParam<AsyncCompletion> {
 protected:
  MatrixRun run(MatrixKernel kernel) {
    kernel.settings.async = GetParam();
    return run_matrix_kernel(kernel);
  }
  MatrixRun run_middle(const std::string& middle) { return run(wgmma_kernel(kProblem, middle)); }
};
INSTANTIATE_TEST_SUITE_P(Completion, WgmmaChecks,
                         testing::Values(AsyncCompletion::kEarly, AsyncCompletion::kLate,
                                         AsyncCompletion::kRandom));

TEST_P(WgmmaChecks, TheRightUseIsQuiet) {
  const MatrixRun result =
      run_middle(kWgmmaFence + product("0") + product() + kWgmmaCommit + product() + kWgmmaCommit +
                 "  wgmma.wait_group.sync.aligned 1;\n" + kWgmmaWait);
  EXPECT_EQ(result.text(), "");
  EXPECT_EQ(worst_error(kProblem, result.out, 0, 3), 0);
}

TEST_P(WgmmaChecks, AMissingFenceIsFound) {
  EXPECT_TRUE(run_middle(product() + kWgmmaCommit + kWgmmaWait).found(Check::kWgmma));
  const std::string first = kWgmmaFence + product() + kWgmmaCommit + kWgmmaWait;
  const std::string touch = "  add.f32 %d3, %d3, 0f3F800000;\n";
  EXPECT_TRUE(
      run_middle(first + touch + product() + kWgmmaCommit + kWgmmaWait).found(Check::kWgmma));
  EXPECT_EQ(run_middle(first + touch + kWgmmaFence + product() + kWgmmaCommit + kWgmmaWait).text(),
            "");
}

TEST_P(WgmmaChecks, AResultReadBeforeTheWaitIsFound) {
  const std::string read = "  mov.b32 %r9, %d1;\n";
  EXPECT_TRUE(run_middle(kWgmmaFence + product() + kWgmmaCommit + read + kWgmmaWait)
                  .found(Check::kAsyncWait));
  EXPECT_TRUE(run_middle(kWgmmaFence + product() + kWgmmaWait + kWgmmaCommit)
                  .found(Check::kAsyncWait));  // committed too late: the stores read it
  EXPECT_EQ(run_middle(kWgmmaFence + product() + kWgmmaCommit + kWgmmaWait + read).text(), "");
}

TEST_P(WgmmaChecks, AWaitThatLeavesOneGroupCoversTheOlderOnes) {
  WgmmaProblem other = kProblem;
  other.columns = 8;
  std::string second = wgmma_statement(other);  // on %d0 to %d3: rename
  for (const auto& [from, to] :
       {std::pair{"%d0", "%c0"}, {"%d1", "%c1"}, {"%d2", "%c2"}, {"%d3", "%c3"}}) {
    second.replace(second.find(from), 3, to);
  }
  const std::string zero = "  mov.b32 %c0, 0; mov.b32 %c1, 0; mov.b32 %c2, 0; mov.b32 %c3, 0;\n";
  const std::string both = zero + kWgmmaFence + product() + kWgmmaCommit + second + kWgmmaCommit +
                           "  wgmma.wait_group.sync.aligned 1;\n";
  EXPECT_EQ(run_middle(both + "  mov.b32 %r9, %d1;\n" + kWgmmaWait).text(), "");
  EXPECT_TRUE(run_middle(both + "  mov.b32 %r9, %c1;\n" + kWgmmaWait).found(Check::kAsyncWait));
}

TEST_P(WgmmaChecks, ARegisterOfAWrittenTooEarlyIsFound) {
  WgmmaProblem p = kProblem;
  p.a_in_registers = true;
  const std::string start = kWgmmaFence + wgmma_statement(p) + kWgmmaCommit;
  const std::string write = "  mov.b32 %a2, 0;\n";
  EXPECT_TRUE(run(wgmma_kernel(p, start + write + kWgmmaWait)).found(Check::kAsyncWait));
  EXPECT_EQ(run(wgmma_kernel(p, start + kWgmmaWait + write)).text(), "");
}

TEST_P(WgmmaChecks, ATileOverwrittenTooEarlyIsFound) {
  const std::string start = kWgmmaFence + product() + kWgmmaCommit;
  const std::string overwrite = "  st.shared.u32 [%r1], %r0;\n";
  const std::string one = "  setp.eq.u32 %p3, %r0, 0;\n  @%p3" + overwrite;
  const MatrixRun early = run_middle(start + one + kWgmmaWait);
  EXPECT_TRUE(early.found(Check::kSharedRace) || early.found(Check::kAsyncWait)) << early.text();
  EXPECT_EQ(run_middle(start + kWgmmaWait + one).text(), "");
}

TEST_P(WgmmaChecks, AMissingProxyFenceIsFound) {
  MatrixKernel kernel = wgmma_kernel(kProblem);
  const std::string fence = "  fence.proxy.async;\n";
  kernel.body.erase(kernel.body.find(fence), fence.size());
  EXPECT_TRUE(run(kernel).found(Check::kProxyFence));
}

TEST_P(WgmmaChecks, AMissingBarrierBetweenStoresAndWgmmaIsFound) {
  MatrixKernel kernel = wgmma_kernel(kProblem);
  const std::string barrier = "  bar.sync 0;\n";
  kernel.body.erase(kernel.body.find(barrier), barrier.size());
  EXPECT_FALSE(run(kernel).report.findings.empty());
}

TEST_P(WgmmaChecks, MalformedDescriptorsAreFound) {
  const std::string rest = kWgmmaFence + product() + kWgmmaCommit + kWgmmaWait;
  const MatrixRun reserved = run_middle("  or.b64 %x0, %x0, 0x4000;\n" + rest);
  EXPECT_TRUE(reserved.found(Check::kBadArgument));
  EXPECT_THAT(reserved.text(), HasSubstr("reserved bits"));
  const MatrixRun misaligned = run_middle("  add.s64 %x0, %x0, 8;\n" + rest);  // 128 bytes further
  EXPECT_TRUE(misaligned.found(Check::kBadArgument));
  EXPECT_THAT(misaligned.text(), HasSubstr("first row"));
}

TEST_P(WgmmaChecks, WarpsThatDisagreeAreFound) {
  const std::string rest = product() + kWgmmaCommit + kWgmmaWait;
  // Warp 2 brings another descriptor.
  const MatrixRun other = run_middle(
      "  setp.eq.u32 %p3, %r0, 1000;\n  shr.u32 %r8, %r0, 5;\n"
      "  setp.eq.u32 %p3, %r8, 2;\n  @%p3 add.s64 %y0, %y0, 2;\n" +
      (kWgmmaFence + rest));
  EXPECT_TRUE(other.found(Check::kDivergence));
  EXPECT_FALSE(other.report.ok);
  // Warp 2 takes another statement.
  const MatrixRun place =
      run_middle("  shr.u32 %r8, %r0, 5;\n  setp.eq.u32 %p3, %r8, 2;\n" + std::string(kWgmmaFence) +
                 "  @%p3 bra there;\n" + product() + "  bra end;\nthere:\n" + product() + "end:\n" +
                 kWgmmaCommit + kWgmmaWait);
  EXPECT_TRUE(place.found(Check::kDivergence));
  // Lanes of one warp disagree.
  const MatrixRun lanes = run_middle("  setp.eq.u32 %p3, %r0, 40;\n  @%p3 add.s64 %y0, %y0, 2;\n" +
                                     (kWgmmaFence + rest));
  EXPECT_TRUE(lanes.found(Check::kBadArgument));
}

TEST_P(WgmmaChecks, ABlockOfLessThanAWarpgroupIsFound) {
  MatrixKernel kernel;
  kernel.body = kWgmmaFence;
  kernel.threads = 96;
  EXPECT_TRUE(run(kernel).found(Check::kDivergence));
}

TEST_P(WgmmaChecks, AWarpThatNeverIssuesIsFound) {
  const MatrixRun result =
      run_middle("  setp.ge.u32 %p3, %r0, 96;\n  @%p3 exit;\n" + std::string(kWgmmaFence) +
                 product() + kWgmmaCommit + kWgmmaWait);
  EXPECT_FALSE(result.report.ok);
  EXPECT_TRUE(result.found(Check::kDeadlock)) << result.text();
}

TEST_P(WgmmaChecks, SchedulesGiveTheSameBits) {
  for (const Schedule schedule : {Schedule::kNatural, Schedule::kReversed, Schedule::kRandom}) {
    for (const unsigned seed : {1u, 2u, 3u}) {
      MatrixKernel kernel = wgmma_kernel(
          kProblem, kWgmmaFence + product("0") + product() + kWgmmaCommit + kWgmmaWait);
      kernel.settings.schedule = schedule;
      kernel.settings.seed = seed;
      const MatrixRun result = run(kernel);
      EXPECT_EQ(result.text(), "");
      EXPECT_EQ(worst_error(kProblem, result.out, 0, 2), 0);
    }
  }
}

TEST_P(WgmmaChecks, SetmaxnregMustBeTheSameStatementInAWarpgroup) {
  MatrixKernel kernel;
  kernel.threads = 128;
  kernel.body = "  setmaxnreg.inc.sync.aligned.u32 232;\n";
  EXPECT_EQ(run(kernel).text(), "");
  kernel.body =
      "  shr.u32 %r8, %r0, 5;\n  setp.eq.u32 %p3, %r8, 2;\n  @%p3 bra there;\n"
      "  setmaxnreg.inc.sync.aligned.u32 232;\n  bra end;\nthere:\n"
      "  setmaxnreg.dec.sync.aligned.u32 40;\nend:\n";
  EXPECT_TRUE(run(kernel).found(Check::kDivergence));
}

}  // namespace
}  // namespace moe::simt
