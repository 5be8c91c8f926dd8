#include "harness/simt/execute/mbarrier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/execute/cp_async_test_kernel.h"

namespace moe::simt {
namespace {

using testing::HasSubstr;

// Thread 0 initialises `bar` for `count` arrivals.
std::string init(int count) {
  return fmt::format(R"(
  mov.u32 %r2, bar;
  mov.u32 %r3, tile;
  setp.eq.u32 %p1, %r1, 0;
  @%p1 mbarrier.init.shared::cta.b64 [%r2], {};
  bar.sync 0;
)",
                     count);
}

// Threads 32 to 63 write words of the tile and arrive; threads 0 to 31 do `wait` and read them.
std::string producer_and_consumer(const std::string& arrive, const std::string& wait) {
  return init(32) + fmt::format(R"(
  setp.lt.u32 %p2, %r1, 32;
  @%p2 bra consumer;
  sub.u32 %r4, %r1, 32;
  shl.b32 %r5, %r4, 2;
  add.u32 %r6, %r3, %r5;
  add.u32 %r7, %r4, 100;
  st.shared.u32 [%r6], %r7;
  {}
  ret;
consumer:
  {}
  xor.b32 %r4, %r1, 31;
  shl.b32 %r5, %r4, 2;
  add.u32 %r6, %r3, %r5;
  ld.shared.u32 %r7, [%r6];
  mul.wide.u32 %rd3, %r1, 4;
  add.u64 %rd3, %rd2, %rd3;
  st.global.u32 [%rd3], %r7;
)",
                                arrive, wait);
}

constexpr const char* kArrive = "mbarrier.arrive.shared::cta.b64 _, [%r2];";
constexpr const char* kTryWait = R"(
again:
  mbarrier.try_wait.parity.shared::cta.b64 %p3, [%r2], 0;
  @!%p3 bra again;
)";

void expect_reversed(const AsyncRun& run) {
  EXPECT_EQ(run.text(), "") << run.settings;
  for (unsigned i = 0; i < 32; ++i) EXPECT_EQ(run.out[i], 131 - i) << run.settings;
}

TEST(Mbarrier, AWaiterSeesWhatWasWrittenBeforeTheArrivals) {
  for (const AsyncRun& run :
       run_all_ways({.body = producer_and_consumer(kArrive, kTryWait), .threads = 64})) {
    expect_reversed(run);
  }
}

TEST(Mbarrier, ATestWaitMayBePolled) {
  const std::string poll = R"(
again:
  mbarrier.test_wait.parity.acquire.cta.shared::cta.b64 %p3, [%r2], 0;
  @!%p3 bra again;
)";
  for (const AsyncRun& run :
       run_all_ways({.body = producer_and_consumer(kArrive, poll), .threads = 64})) {
    expect_reversed(run);
  }
}

TEST(Mbarrier, AReaderThatDoesNotWaitRaces) {
  for (const AsyncRun& run :
       run_all_ways({.body = producer_and_consumer(kArrive, ""), .threads = 64})) {
    EXPECT_TRUE(run.found(Check::kSharedRace)) << run.settings;
  }
}

TEST(Mbarrier, AWaitForTheWrongParityRaces) {
  const std::string wrong = R"(
again:
  mbarrier.try_wait.parity.shared::cta.b64 %p3, [%r2], 1;
  @!%p3 bra again;
)";
  // The consumer must come first: after the phase has completed that parity waits for the next one.
  AsyncKernel test{.body = producer_and_consumer(kArrive, wrong), .threads = 64};
  test.settings.schedule = Schedule::kReversed;
  const AsyncRun run1 = run(test);
  EXPECT_TRUE(run1.found(Check::kSharedRace)) << run1.text();
}

TEST(Mbarrier, RelaxedArrivalsOrderNothing) {
  const std::string arrive = "mbarrier.arrive.relaxed.cta.shared::cta.b64 _, [%r2];";
  for (const AsyncRun& run :
       run_all_ways({.body = producer_and_consumer(arrive, kTryWait), .threads = 64})) {
    EXPECT_TRUE(run.found(Check::kSharedRace)) << run.settings;
  }
}

TEST(Mbarrier, RelaxedWaitsOrderNothing) {
  const std::string wait = R"(
again:
  mbarrier.try_wait.parity.relaxed.cta.shared::cta.b64 %p3, [%r2], 0;
  @!%p3 bra again;
)";
  const AsyncRun run1 = run({.body = producer_and_consumer(kArrive, wait), .threads = 64});
  EXPECT_TRUE(run1.found(Check::kSharedRace)) << run1.text();
}

TEST(Mbarrier, AnArrivalThatNobodySynchronisedWithTheInitRaces) {
  const std::string body = R"(
  mov.u32 %r2, bar;
  setp.eq.u32 %p1, %r1, 0;
  @%p1 mbarrier.init.shared::cta.b64 [%r2], 64;
  mbarrier.arrive.shared::cta.b64 _, [%r2];
)";
  EXPECT_TRUE(run({.body = body, .threads = 32}).found(Check::kSharedRace));
}

// What one thread does to an mbarrier of one arrival, and what is said about it.
AsyncRun alone(const std::string& statements, int count = 1) {
  return run({.body = init(count) + statements, .threads = 1});
}

void expect_barrier_misuse(const AsyncRun& run, const std::string& words) {
  EXPECT_TRUE(run.found(Check::kBarrier)) << run.text();
  EXPECT_THAT(run.text(), HasSubstr(words));
}

TEST(MbarrierMisuse, OneArrivalTooMany) {
  expect_barrier_misuse(alone("mbarrier.arrive.shared.b64 %rd3, [%r2], 2;"), "expects only 1 more");
}

TEST(MbarrierMisuse, NeverInitialised) {
  expect_barrier_misuse(alone("mbarrier.arrive.shared.b64 %rd3, [%r2+8];"), "no mbarrier.init");
}

TEST(MbarrierMisuse, Overwritten) {
  expect_barrier_misuse(alone(R"(
  st.shared.u32 [%r2], 5;
  mbarrier.arrive.shared.b64 %rd3, [%r2];
)"),
                        "has written over");
}

TEST(MbarrierMisuse, UsedAfterItsEnd) {
  expect_barrier_misuse(alone(R"(
  mbarrier.inval.shared.b64 [%r2];
  mbarrier.arrive.shared.b64 %rd3, [%r2];
)"),
                        "ended by mbarrier.inval");
}

TEST(MbarrierMisuse, InitialisedAgainWhileAlive) {
  expect_barrier_misuse(alone("mbarrier.init.shared.b64 [%r2], 1;"), "live mbarrier again");
}

TEST(Mbarrier, MayBeInitialisedAgainAfterItsEnd) {
  EXPECT_EQ(alone(R"(
  mbarrier.inval.shared.b64 [%r2];
  mbarrier.init.shared.b64 [%r2], 1;
  mbarrier.arrive.shared.b64 %rd3, [%r2];
)")
                .text(),
            "");
}

TEST(MbarrierMisuse, AZeroCount) { expect_barrier_misuse(alone("", 0), "1 to 1048575"); }

TEST(MbarrierMisuse, TooManyTransactionBytes) {
  expect_barrier_misuse(alone(R"(
  mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%r2], 1048575;
  mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%r2], 1;
)"),
                        "ends at 1048575");
}

TEST(MbarrierMisuse, Misaligned) {
  EXPECT_TRUE(alone("mbarrier.init.shared.b64 [%r2+4], 1;").found(Check::kMisaligned));
}

TEST(MbarrierMisuse, AStateOfAnotherMbarrier) {
  expect_barrier_misuse(alone(R"(
  mbarrier.init.shared.b64 [%r2+8], 1;
  mbarrier.arrive.shared.b64 %rd3, [%r2];
  mbarrier.test_wait.shared.b64 %p2, [%r2+8], %rd3;
)"),
                        "no arrival at this mbarrier");
}

TEST(MbarrierMisuse, AStateTwoPhasesOld) {
  expect_barrier_misuse(alone(R"(
  mbarrier.arrive.shared.b64 %rd3, [%r2];
  mbarrier.arrive.shared.b64 %rd4, [%r2];
  mbarrier.test_wait.shared.b64 %p2, [%r2], %rd3;
)"),
                        "for its own phase and the one after");
}

TEST(MbarrierMisuse, AParityOfTwo) {
  EXPECT_TRUE(
      alone("mbarrier.test_wait.parity.shared.b64 %p2, [%r2], 2;").found(Check::kBadArgument));
}

TEST(MbarrierMisuse, ASleeperThatMissesAPhase) {
  // Warp 0 waits for phase 0; warp 1 completes phases 0 and 1 before warp 0 runs again.
  const std::string body = init(1) + R"(
  setp.lt.u32 %p2, %r1, 32;
  @%p2 bra consumer;
  setp.ne.u32 %p3, %r1, 32;
  @%p3 ret;
  mbarrier.arrive.shared.b64 _, [%r2];
  mbarrier.arrive.shared.b64 _, [%r2];
  ret;
consumer:
)" + kTryWait;
  AsyncKernel test{.body = body, .threads = 64};
  test.settings.schedule = Schedule::kReversed;  // the last to reach the block's barrier is warp 0
  const AsyncRun run1 = run(test);
  expect_barrier_misuse(run1, "waits for phase 0");
  EXPECT_THAT(run1.text(), HasSubstr("gone on to phase 2"));
}

TEST(Mbarrier, WaitingForAPhaseThatNeverCompletesIsADeadlock) {
  const AsyncRun run1 = alone(kTryWait, 2);
  EXPECT_TRUE(run1.found(Check::kDeadlock)) << run1.text();
  EXPECT_THAT(run1.text(), HasSubstr("mbarrier.try_wait"));
}

TEST(Mbarrier, AnArrivalReturnsTheStateBeforeIt) {
  const AsyncRun run1 = alone(R"(
  mbarrier.arrive.noComplete.shared.b64 %rd3, [%r2], 1;
  mbarrier.arrive.shared.b64 %rd4, [%r2];
  mbarrier.pending_count.b64 %r4, %rd3;
  mbarrier.pending_count.b64 %r5, %rd4;
  mbarrier.test_wait.shared.b64 %p2, [%r2], %rd4;
  selp.u32 %r6, 1, 0, %p2;
  mbarrier.arrive.shared.b64 %rd5, [%r2];
  mbarrier.test_wait.shared.b64 %p2, [%r2], %rd4;
  selp.u32 %r7, 1, 0, %p2;
  st.global.v4.u32 [%rd2], {%r4, %r5, %r6, %r7};
)",
                              3);
  EXPECT_EQ(run1.text(), "");
  EXPECT_EQ(run1.out[0], 3u);  // pending before the first arrival
  EXPECT_EQ(run1.out[1], 2u);
  EXPECT_EQ(run1.out[2], 0u);  // one arrival is missing
  EXPECT_EQ(run1.out[3], 1u);
}

TEST(Mbarrier, CountsTransactionBytesOfThreadsToo) {
  const AsyncRun run1 = alone(R"(
  mbarrier.arrive.expect_tx.shared::cta.b64 %rd3, [%r2], 64;
  mbarrier.test_wait.shared.b64 %p2, [%r2], %rd3;
  selp.u32 %r4, 1, 0, %p2;
  mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%r2], 64;
  mbarrier.test_wait.shared.b64 %p2, [%r2], %rd3;
  selp.u32 %r5, 1, 0, %p2;
  st.global.v2.u32 [%rd2], {%r4, %r5};
)");
  EXPECT_EQ(run1.text(), "");
  EXPECT_EQ(run1.out[0], 0u);
  EXPECT_EQ(run1.out[1], 1u);
}

TEST(Mbarrier, TakesGenericAddresses) {
  const AsyncRun run1 = alone(R"(
  cvt.u64.u32 %rd3, %r2;
  cvta.shared.u64 %rd3, %rd3;
  mbarrier.arrive.b64 %rd4, [%rd3];
  mbarrier.test_wait.b64 %p2, [%rd3], %rd4;
  selp.u32 %r4, 1, 0, %p2;
  st.global.u32 [%rd2], %r4;
)");
  EXPECT_EQ(run1.text(), "");
  EXPECT_EQ(run1.out[0], 1u);
}

TEST(MbarrierMisuse, AGenericAddressOutsideSharedMemory) {
  EXPECT_TRUE(alone("mbarrier.arrive.b64 %rd4, [%rd1];").found(Check::kBadArgument));
}

}  // namespace
}  // namespace moe::simt
