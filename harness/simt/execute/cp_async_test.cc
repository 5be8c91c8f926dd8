#include "harness/simt/execute/cp_async.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/execute/cp_async_test_kernel.h"

namespace moe::simt {
namespace {

// %r6: the thread's 16 bytes of the tile, %rd3: its 16 bytes of `in`, %rd4: its word of `out`.
constexpr const char* kAddresses = R"(
  mov.u32 %r3, tile;
  shl.b32 %r5, %r1, 4;
  add.u32 %r6, %r3, %r5;
  mul.wide.u32 %rd3, %r1, 16;
  add.u64 %rd3, %rd1, %rd3;
  mul.wide.u32 %rd4, %r1, 4;
  add.u64 %rd4, %rd2, %rd4;
)";
constexpr const char* kCopy = "cp.async.cg.shared.global [%r6], [%rd3], 16;\n";
constexpr const char* kWait = "cp.async.commit_group; cp.async.wait_group 0;\n";
// The second of the thread's own four words.
constexpr const char* kReadOwn = "ld.shared.u32 %r7, [%r6+4]; st.global.u32 [%rd4], %r7;\n";

std::string body(std::initializer_list<std::string> parts) {
  std::string all = kAddresses;
  for (const std::string& part : parts) all += part;
  return all;
}

TEST(CpAsync, BringsTheBytesOnceWaitedFor) {
  for (const AsyncRun& run : run_all_ways({.body = body({kCopy, kWait, kReadOwn})})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], 4 * t + 1) << run.settings;
  }
}

TEST(CpAsync, WaitAllNeedsNoCommit) {
  for (const AsyncRun& run :
       run_all_ways({.body = body({kCopy, "cp.async.wait_all;\n", kReadOwn})})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[31], 125u) << run.settings;
  }
}

TEST(CpAsync, AReadBeforeTheWaitIsFound) {
  for (const AsyncRun& run :
       run_all_ways({.body = body({kCopy, "cp.async.commit_group;\n", kReadOwn})})) {
    EXPECT_TRUE(run.found(Check::kAsyncWait)) << run.settings << run.text();
  }
}

TEST(CpAsync, AWaitThatLeavesTheGroupOutIsFound) {
  for (const AsyncRun& run : run_all_ways(
           {.body = body({kCopy, "cp.async.commit_group; cp.async.wait_group 1;\n", kReadOwn})})) {
    EXPECT_TRUE(run.found(Check::kAsyncWait)) << run.settings;
  }
}

TEST(CpAsync, AWaitForTheOlderOfTwoGroupsIsEnoughForIt) {
  const std::string two = R"(
  cp.async.ca.shared.global [%r6], [%rd3], 8;
  cp.async.commit_group;
  cp.async.ca.shared.global [%r6+8], [%rd3+8], 8;
  cp.async.commit_group;
  cp.async.wait_group 1;
)";
  for (const AsyncRun& run : run_all_ways({.body = body({two, kReadOwn})})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[3], 13u) << run.settings;
  }
  const std::string second = "ld.shared.u32 %r7, [%r6+8]; st.global.u32 [%rd4], %r7;\n";
  for (const AsyncRun& run : run_all_ways({.body = body({two, second})})) {
    EXPECT_TRUE(run.found(Check::kAsyncWait)) << run.settings;
  }
}

TEST(CpAsync, AnotherThreadNeedsTheWaitAndABarrier) {
  const std::string other = R"(
  xor.b32 %r8, %r5, 496;
  add.u32 %r8, %r3, %r8;
  ld.shared.u32 %r7, [%r8];
  st.global.u32 [%rd4], %r7;
)";
  const std::string barrier = "bar.sync 0;\n";
  for (const AsyncRun& run : run_all_ways({.body = body({kCopy, kWait, barrier, other})})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[0], 124u) << run.settings;
  }
  for (const AsyncRun& run :
       run_all_ways({.body = body({kCopy, "cp.async.commit_group;\n", barrier, other})})) {
    EXPECT_TRUE(run.found(Check::kAsyncWait))
        << run.settings;  // the barrier does not wait for copies
  }
  for (const AsyncRun& run : run_all_ways({.body = body({kCopy, kWait, other})})) {
    EXPECT_FALSE(run.report.findings.empty()) << run.settings;
  }
}

TEST(CpAsync, FillsWhatItDoesNotReadWithZeros) {
  const std::string partial = R"(
  mov.u32 %r9, 4;
  cp.async.cg.shared.global [%r6], [%rd3], 16, %r9;
)";
  const std::string both = R"(
  ld.shared.v2.u32 {%r7, %r8}, [%r6];
  shl.b32 %r8, %r8, 16;
  or.b32 %r7, %r7, %r8;
  st.global.u32 [%rd4], %r7;
)";
  for (const AsyncRun& run : run_all_ways({.body = body({partial, kWait, both})})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[5], 20u) << run.settings;
  }
}

TEST(CpAsync, AnIgnoredSourceIsNotTouched) {
  const std::string ignored = R"(
  mov.u64 %rd5, 64;
  setp.ge.u32 %p1, %r1, 0;
  cp.async.cg.shared.global [%r6], [%rd5], 16, %p1;
)";
  for (const AsyncRun& run : run_all_ways({.body = body({ignored, kWait, kReadOwn})})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[5], 0u) << run.settings;
  }
}

TEST(CpAsync, BytesNeverWrittenStaySo) {
  for (const AsyncRun& run :
       run_all_ways({.body = body({kCopy, kWait, kReadOwn}), .unwritten_from = 127})) {
    EXPECT_EQ(run.text(), "") << run.settings;  // word 127 is copied, and not read
  }
  const std::string last = "ld.shared.u32 %r7, [%r6+12]; st.global.u32 [%rd4], %r7;\n";
  for (const AsyncRun& run :
       run_all_ways({.body = body({kCopy, kWait, last}), .unwritten_from = 127})) {
    EXPECT_TRUE(run.found(Check::kUninitialised)) << run.settings;
  }
}

TEST(CpAsync, MisuseIsFound) {
  EXPECT_TRUE(run({.body = body({"cp.async.cg.shared.global [%r6+8], [%rd3], 16;"})})
                  .found(Check::kMisaligned));
  EXPECT_TRUE(run({.body = body({"cp.async.cg.shared.global [%r6], [%rd3+8], 16;"})})
                  .found(Check::kMisaligned));
  EXPECT_TRUE(
      run({.body = body({"mov.u32 %r9, 20; cp.async.cg.shared.global [%r6], [%rd3], 16, %r9;"})})
          .found(Check::kBadArgument));
  EXPECT_TRUE(run({.body = body({kCopy}), .in_words = 100}).found(Check::kOutOfBounds));
}

TEST(CpAsync, SizesAndFormsThatDoNotExistAreRefused) {
  EXPECT_THROW(run({.body = body({"cp.async.cg.shared.global [%r6], [%rd3], 8;"})}), ptx::Error);
  EXPECT_THROW(run({.body = body({"cp.async.ca.shared.global [%r6], [%rd3], 12;"})}), ptx::Error);
  EXPECT_THROW(run({.body = body({"cp.async.ca.global.shared [%rd3], [%r6], 8;"})}), ptx::Error);
}

// Warp 0 copies and arrives at the mbarrier with its copies; warp 1 waits for it and reads.
std::string through_mbarrier(const std::string& arrive, int count) {
  return body({fmt::format(R"(
  mov.u32 %r2, bar;
  setp.eq.u32 %p1, %r1, 0;
  @%p1 mbarrier.init.shared::cta.b64 [%r2], {};
  bar.sync 0;
  setp.ge.u32 %p2, %r1, 32;
  @%p2 bra consumer;
  cp.async.cg.shared.global [%r6], [%rd3], 16;
  {}
  ret;
consumer:
  mbarrier.test_wait.parity.shared.b64 %p3, [%r2], 0;
  @!%p3 bra consumer;
  ld.shared.u32 %r7, [%r6+-512];
  st.global.u32 [%rd4+-128], %r7;
)",
                           count, arrive)});
}

TEST(CpAsync, AnMbarrierWaitsForTheCopiesBeforeTheArrival) {
  const std::string noinc = "cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%r2];";
  const std::string counted =
      "cp.async.mbarrier.arrive.shared::cta.b64 [%r2]; mbarrier.arrive.shared.b64 _, [%r2];";
  for (const std::string& arrive : {noinc, counted}) {
    for (const AsyncRun& run :
         run_all_ways({.body = through_mbarrier(arrive, 32), .threads = 64})) {
      EXPECT_EQ(run.text(), "") << run.settings;
      EXPECT_EQ(run.out[9], 36u) << run.settings;
    }
  }
}

TEST(CpAsync, AnOrdinaryArrivalDoesNotWaitForTheCopies) {
  const std::string arrive = "mbarrier.arrive.shared.b64 _, [%r2];";
  for (const AsyncRun& run : run_all_ways({.body = through_mbarrier(arrive, 32), .threads = 64})) {
    EXPECT_TRUE(run.found(Check::kAsyncWait)) << run.settings;
  }
}

}  // namespace
}  // namespace moe::simt
