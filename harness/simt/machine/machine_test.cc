#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/machine/test_kernel.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {
namespace {

using testing::HasSubstr;

// Each thread writes its number to shared memory and reads its right neighbour's.
std::string neighbour(const std::string& between) {
  return R"(
  .shared .align 4 .b8 cells[256];
  mov.u32 %r4, cells;
  shl.b32 %r5, %r1, 2;
  add.s32 %r6, %r4, %r5;
  st.shared.u32 [%r6], %r1;
)" + between +
         R"(
  add.s32 %r7, %r1, 1;
  and.b32 %r7, %r7, 63;
  shl.b32 %r8, %r7, 2;
  add.s32 %r9, %r4, %r8;
  ld.shared.u32 %r3, [%r9];
)" + kStoreResult;
}

TEST(Machine, ABarrierMakesSharedMemoryCommon) {
  const KernelRun run = run_kernel({.body = neighbour("bar.sync 0;"), .threads = 64});
  EXPECT_TRUE(run.report.ok);
  EXPECT_EQ(run.text(), "");
  for (unsigned t = 0; t < 64; ++t) EXPECT_EQ(run.out[t], (t + 1) % 64);
}

TEST(Machine, AMissingBarrierIsARaceInEverySchedule) {
  for (const Schedule schedule : {Schedule::kNatural, Schedule::kReversed, Schedule::kRandom}) {
    KernelCase test{.body = neighbour(""), .threads = 64};
    test.settings.schedule = schedule;
    const KernelRun run = run_kernel(test);
    EXPECT_TRUE(run.found(Check::kSharedRace) || run.found(Check::kUninitialised)) << run.text();
  }
}

TEST(Machine, ARaceNamesBothStatements) {
  const KernelRun run = run_kernel({.body = neighbour(""), .threads = 64});
  EXPECT_THAT(run.text(), HasSubstr("ld.shared.u32 %r3, [%r9]"));
  EXPECT_THAT(run.text(), HasSubstr("st.shared.u32 [%r6], %r1"));
}

TEST(Machine, ABarrierSomeThreadsNeverReachIsADeadlockWithItsState) {
  // Warp 1 spins on a flag nobody sets; warp 0 waits at the barrier.
  const std::string body = R"(
  setp.ge.u32 %p1, %r1, 32;
  @%p1 bra spin;
  bar.sync 0;
  ret;
spin:
  ld.volatile.global.u32 %r5, [%rd1];
  setp.eq.u32 %p2, %r5, 0;
  @%p2 bra spin;
  bar.sync 0;
  ret;
)";
  KernelCase test{.body = body, .threads = 64};
  test.settings.stuck_after = 20000;
  const KernelRun run = run_kernel(test);
  EXPECT_FALSE(run.report.ok);
  EXPECT_TRUE(run.found(Check::kDeadlock)) << run.text();
  EXPECT_THAT(run.text(), HasSubstr("bar.sync 0"));
}

TEST(Machine, ThreadsThatHaveLeftAreNotWaitedFor) {
  const std::string body = R"(
  setp.ge.u32 %p1, %r1, 32;
  @%p1 ret;
  bar.sync 0;
  mov.u32 %r3, 7;
)";
  const KernelRun run = run_kernel({.body = body + kStoreResult, .threads = 64});
  EXPECT_TRUE(run.report.ok) << run.text();
  EXPECT_EQ(run.out[3], 7u);
}

TEST(Machine, OneBarrierPassedAtTwoPlacesIsReported) {
  const std::string body = R"(
  setp.ge.u32 %p1, %r1, 32;
  @%p1 bra other;
  bar.sync 0;
  ret;
other:
  bar.sync 0;
  ret;
)";
  EXPECT_TRUE(run_kernel({.body = body, .threads = 64}).found(Check::kBarrier));
}

TEST(Machine, ABarrierInADivergentBranchOfAWarpIsReported) {
  const std::string body = R"(
  setp.ge.u32 %p1, %r1, 16;
  @%p1 bra other;
  bar.sync 0;
  ret;
other:
  bar.sync 1;
  ret;
)";
  const KernelRun run = run_kernel({.body = body});
  EXPECT_FALSE(run.report.ok);
  EXPECT_TRUE(run.found(Check::kDivergence)) << run.text();
}

TEST(Machine, DivergedLanesMeetAgain) {
  const std::string body = R"(
  and.b32 %r4, %r1, 1;
  setp.eq.u32 %p1, %r4, 0;
  @%p1 bra even;
  mov.u32 %r3, 100;
  bra join;
even:
  mov.u32 %r3, 200;
join:
  shfl.sync.idx.b32 %r5, %r3, 0, 31, -1;
  add.u32 %r3, %r3, %r5;
)";
  const KernelRun run = run_kernel({.body = body + kStoreResult});
  EXPECT_TRUE(run.report.ok) << run.text();
  EXPECT_EQ(run.out[0], 400u);
  EXPECT_EQ(run.out[1], 300u);
  EXPECT_EQ(run.report.counters.divergent_branches, 1u);
}

TEST(Machine, LoopsOfDifferentLengthsEndForEachLane) {
  const std::string body = R"(
  mov.u32 %r3, 0;
loop:
  add.u32 %r3, %r3, 1;
  setp.le.u32 %p1, %r3, %r1;
  @%p1 bra loop;
)";
  const KernelRun run = run_kernel({.body = body + kStoreResult});
  for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], t + 1);
}

TEST(Machine, AFunctionIsCalledWithItsParameters) {
  KernelCase test;
  test.module_scope = R"(
.func (.param .b32 result) twice(.param .b32 x)
{
  .reg .b32 %r<4>;
  ld.param.b32 %r1, [x];
  add.u32 %r2, %r1, %r1;
  st.param.b32 [result], %r2;
  ret;
}
)";
  test.body = R"(
  {
    .param .b32 argument;
    .param .b32 answer;
    st.param.b32 [argument], %r1;
    call.uni (answer), twice, (argument);
    ld.param.b32 %r3, [answer];
  }
)";
  test.body += kStoreResult;
  const KernelRun run = run_kernel(test);
  EXPECT_TRUE(run.report.ok) << run.text();
  for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], 2 * t);
}

TEST(Machine, AValueNeverWrittenMayBeCopiedButNotUsed) {
  const std::string body = R"(
  .shared .align 4 .b8 cells[256];
  mov.u32 %r4, cells;
  ld.shared.u32 %r5, [%r4];
  add.u32 %r6, %r5, 1;
)";
  EXPECT_EQ(run_kernel({.body = body + "ret;"}).text(), "");
  EXPECT_TRUE(
      run_kernel({.body = body + "mov.u32 %r3, %r6;" + kStoreResult}).found(Check::kUninitialised));
  EXPECT_TRUE(run_kernel({.body = body + "setp.eq.u32 %p1, %r6, 3; @%p1 bra end; end: ret;"})
                  .found(Check::kUninitialised));
}

TEST(Machine, MemoryBeyondAnAllocationIsOutOfBounds) {
  const KernelRun run =
      run_kernel({.body = std::string("mov.u32 %r3, 1; add.u32 %r1, %r1, 33;") + kStoreResult});
  EXPECT_FALSE(run.report.ok);
  EXPECT_TRUE(run.found(Check::kOutOfBounds));
  EXPECT_THAT(run.text(),
              HasSubstr("writes 4 bytes at offset 256 of an allocation of 256 bytes (out)"));
}

TEST(Machine, AnAddressMustBeAMultipleOfTheAccess) {
  const KernelRun run = run_kernel(
      {.body = "add.s64 %rd1, %rd1, 4; ld.global.v4.u32 {%r3,%r4,%r5,%r6}, [%rd1]; ret;"});
  EXPECT_TRUE(run.found(Check::kMisaligned)) << run.text();
}

TEST(Machine, SharedMemoryEndsWhereItsVariablesEnd) {
  const std::string body = R"(
  .shared .align 4 .b8 cells[128];
  mov.u32 %r4, cells;
  st.shared.u32 [%r4+128], %r1;
  ret;
)";
  const KernelRun run = run_kernel({.body = body});
  EXPECT_THAT(run.text(), HasSubstr("at offset 128 of shared memory, which has 128 bytes"));
}

TEST(Machine, BlocksThatUpdateOnePlaceWithoutAtomicsRace) {
  const std::string body =
      "ld.global.u32 %r3, [%rd1]; add.u32 %r3, %r3, 1; st.global.u32 [%rd1], %r3; ret;";
  const KernelRun run = run_kernel({.body = body, .threads = 1, .blocks = 4});
  EXPECT_TRUE(run.found(Check::kGlobalRace));
}

TEST(Machine, BlocksThatUseAtomicsDoNot) {
  const KernelRun run =
      run_kernel({.body = "red.global.add.u32 [%rd1], 1; ret;", .threads = 64, .blocks = 40});
  EXPECT_EQ(run.text(), "");
  EXPECT_EQ(run.out[0], 2560u);
}

// Block 0 writes out[1] and then sets the flag out[0]; block 1 waits for the flag and reads out[1].
std::string message(const std::string& fence_before, const std::string& fence_after) {
  return fmt::format(R"(
  setp.ne.u32 %p1, %r2, 0;
  @%p1 bra reader;
  mov.u32 %r4, 42;
  st.global.u32 [%rd1+4], %r4;
  {}
  mov.u32 %r5, 1;
  st.relaxed.gpu.global.u32 [%rd1], %r5;
  ret;
reader:
  ld.relaxed.gpu.global.u32 %r6, [%rd1];
  setp.eq.u32 %p2, %r6, 0;
  @%p2 bra reader;
  {}
  ld.global.u32 %r3, [%rd1+4];
  st.global.u32 [%rd1+8], %r3;
  ret;
)",
                     fence_before, fence_after);
}

TEST(Machine, AFenceOnBothSidesPassesAMessage) {
  for (const Schedule schedule : {Schedule::kNatural, Schedule::kReversed, Schedule::kRandom}) {
    KernelCase test{
        .body = message("fence.acq_rel.gpu;", "fence.acq_rel.gpu;"), .threads = 1, .blocks = 2};
    test.settings.schedule = schedule;
    const KernelRun run = run_kernel(test);
    EXPECT_EQ(run.text(), "");
    EXPECT_EQ(run.out[2], 42u);
  }
}

TEST(Machine, AFenceMissingOnEitherSideIsARace) {
  for (const std::string& body :
       {message("", "fence.acq_rel.gpu;"), message("fence.acq_rel.gpu;", ""),
        message("fence.acq_rel.cta;", "fence.acq_rel.gpu;")}) {
    EXPECT_TRUE(run_kernel({.body = body, .threads = 1, .blocks = 2}).found(Check::kGlobalRace))
        << body;
  }
}

TEST(Machine, WorkersShareTheBlocksAndCountTheSame) {
  KernelCase test{
      .body = "red.global.add.u32 [%rd1], 1; bar.sync 0; ret;", .threads = 64, .blocks = 300};
  const KernelRun one = run_kernel(test);
  test.settings.workers = 4;
  const KernelRun four = run_kernel(test);
  EXPECT_EQ(four.text(), "");
  EXPECT_EQ(four.out[0], one.out[0]);
  EXPECT_EQ(four.report.counters.thread_instructions, one.report.counters.thread_instructions);
  EXPECT_EQ(four.report.counters.blocks, 300u);
}

TEST(Machine, TheSameSeedRunsTheSameWay) {
  // The order in which threads get their tickets is the schedule.
  const std::string body = std::string("atom.global.add.u32 %r3, [%rd1+256], 1;") + kStoreResult;
  KernelCase test{.body = body, .threads = 64, .out_words = 65};
  test.settings.schedule = Schedule::kRandom;
  test.settings.seed = 5;
  const KernelRun first = run_kernel(test), second = run_kernel(test);
  EXPECT_EQ(first.out, second.out);
  test.settings.seed = 6;
  EXPECT_NE(run_kernel(test).out, first.out);
}

TEST(Machine, AnUnknownOpcodeIsAnErrorWithItsLine) {
  try {
    run_kernel({.body = "frobnicate.u32 %r3, %r1; ret;"});
    FAIL();
  } catch (const ptx::Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("test.ptx:15"));
    EXPECT_THAT(error.what(), HasSubstr("frobnicate"));
  }
}

TEST(Machine, AnUnknownModifierIsAnError) {
  EXPECT_THROW(run_kernel({.body = "add.sideways.u32 %r3, %r1, %r2; ret;"}), ptx::Error);
}

TEST(Machine, TheClockIsRefused) {
  EXPECT_THROW(run_kernel({.body = "mov.u64 %rd3, %clock64; ret;"}), ptx::Error);
}

TEST(Machine, TrapStopsTheKernel) {
  const KernelRun run = run_kernel({.body = "trap; ret;"});
  EXPECT_FALSE(run.report.ok);
  EXPECT_TRUE(run.found(Check::kTrap));
}

}  // namespace
}  // namespace moe::simt
