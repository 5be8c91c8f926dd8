#include "harness/simt/execute/bulk_copy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/execute/cp_async_test_kernel.h"

namespace moe::simt {
namespace {

using testing::HasSubstr;

// Thread 0 initialises `bar` for one arrival; %p1 is set for it.
constexpr const char* kInit = R"(
  mov.u32 %r2, bar;
  mov.u32 %r3, tile;
  setp.eq.u32 %p1, %r1, 0;
  @%p1 mbarrier.init.shared::cta.b64 [%r2], 1;
  fence.mbarrier_init.release.cluster;
  bar.sync 0;
)";
constexpr const char* kExpect = "@%p1 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r2], 512;\n";
constexpr const char* kLoad =
    "@%p1 cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r3], [%rd1], 512, "
    "[%r2];\n";
constexpr const char* kWait = R"(
again:
  mbarrier.try_wait.parity.shared::cta.b64 %p3, [%r2], 0;
  @!%p3 bra again;
)";
// out[t] = the t-th word of the tile, from the other end of the warp.
constexpr const char* kRead = R"(
  shl.b32 %r5, %r1, 2;
  add.u32 %r6, %r3, %r5;
  ld.shared.u32 %r7, [%r6+384];
  mul.wide.u32 %rd4, %r1, 4;
  add.u64 %rd4, %rd2, %rd4;
  st.global.u32 [%rd4], %r7;
)";

std::string body(std::initializer_list<std::string> parts) {
  std::string all = kInit;
  for (const std::string& part : parts) all += part;
  return all;
}

TEST(BulkCopy, BringsItsBytesBeforeThePhaseCompletes) {
  for (const AsyncRun& run : run_all_ways({.body = body({kExpect, kLoad, kWait, kRead})})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], 96 + t) << run.settings;
  }
}

TEST(BulkCopy, AReadWithoutTheWaitIsFound) {
  for (const AsyncRun& run : run_all_ways({.body = body({kExpect, kLoad, kRead})})) {
    EXPECT_TRUE(run.found(Check::kAsyncWait)) << run.settings << run.text();
  }
}

TEST(BulkCopy, AnMbarrierWithoutAFenceBehindItsInitIsFound) {
  std::string unfenced = body({kExpect, kLoad, kWait, kRead});
  const std::string fence = "fence.mbarrier_init.release.cluster;";
  const std::size_t at = unfenced.find(fence);
  for (const AsyncRun& run :
       run_all_ways({.body = std::string(unfenced).erase(at, fence.size())})) {
    EXPECT_TRUE(run.found(Check::kProxyFence)) << run.settings;
  }
  const std::string other = "fence.proxy.async.shared::cta;";
  for (const AsyncRun& run : run_all_ways({.body = unfenced.replace(at, fence.size(), other)})) {
    EXPECT_EQ(run.text(), "") << run.settings;
  }
}

TEST(BulkCopy, WithTooFewBytesExpectedTheWaitIsNotEnough) {
  const std::string expect = "@%p1 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r2], 0;\n";
  const AsyncRun run1 = run({.body = body({expect, kLoad, kWait, kRead})});
  EXPECT_TRUE(run1.found(Check::kAsyncWait)) << run1.text();
}

TEST(BulkCopy, WithTooManyBytesExpectedNothingGoesOn) {
  const std::string expect = "@%p1 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r2], 528;\n";
  for (const AsyncRun& run : run_all_ways({.body = body({expect, kLoad, kWait, kRead})})) {
    EXPECT_TRUE(run.found(Check::kDeadlock)) << run.settings;
  }
}

TEST(BulkCopy, SizesAndAddressesAreMultiplesOf16) {
  const auto load = [](const std::string& operands) {
    return run(
        {.body = body(
             {kExpect, "@%p1 cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes " +
                           operands + ", [%r2];"})});
  };
  EXPECT_TRUE(load("[%r3], [%rd1], 40").found(Check::kBadArgument));
  EXPECT_TRUE(load("[%r3+8], [%rd1], 32").found(Check::kMisaligned));
  EXPECT_TRUE(load("[%r3], [%rd1+8], 32").found(Check::kMisaligned));
  EXPECT_TRUE(load("[%r3], [%rd1], 4112").found(Check::kOutOfBounds));  // `in` has 4096 bytes
}

TEST(BulkCopy, NeedsAnMbarrierThatLives) {
  const std::string load =
      "@%p1 cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r3], [%rd1], 512, "
      "[%r2+8];\n";
  EXPECT_TRUE(run({.body = body({load})}).found(Check::kBarrier));
}

// Every thread writes 100 + t to the tile, thread 0 stores the tile to `out`.
std::string store(const std::string& fence, const std::string& copy, const std::string& after) {
  return body({R"(
  shl.b32 %r5, %r1, 2;
  add.u32 %r6, %r3, %r5;
  add.u32 %r7, %r1, 100;
  st.shared.u32 [%r6], %r7;
)",
               fence, "bar.sync 0;\n", "@!%p1 ret;\n", copy, "cp.async.bulk.commit_group;\n",
               after});
}
constexpr const char* kFence = "fence.proxy.async.shared::cta;\n";
constexpr const char* kStore = "cp.async.bulk.global.shared::cta.bulk_group [%rd2], [%r3], 128;\n";

TEST(BulkCopy, StoresWhatWasFenced) {
  for (const AsyncRun& run :
       run_all_ways({.body = store(kFence, kStore, "cp.async.bulk.wait_group 0;\n")})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], 100 + t) << run.settings;
    EXPECT_EQ(run.out[32], 0u) << run.settings;
  }
}

TEST(BulkCopy, AStoreWithoutTheProxyFenceIsFound) {
  for (const AsyncRun& run :
       run_all_ways({.body = store("", kStore, "cp.async.bulk.wait_group 0;\n")})) {
    EXPECT_TRUE(run.found(Check::kProxyFence)) << run.settings;
  }
}

TEST(BulkCopy, AStoreNobodyWaitsForIsDoneAtTheEnd) {
  for (const AsyncRun& run : run_all_ways({.body = store(kFence, kStore, "")})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[31], 131u) << run.settings;
  }
}

TEST(BulkCopy, TheSourceMayBeWrittenAgainAfterWaitRead) {
  const std::string overwrite = "mov.u32 %r8, 7; st.shared.u32 [%r3], %r8;\n";
  for (const AsyncRun& run : run_all_ways(
           {.body = store(kFence, kStore, "cp.async.bulk.wait_group.read 0;\n" + overwrite)})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[0], 100u) << run.settings;
  }
  for (const AsyncRun& run : run_all_ways({.body = store(kFence, kStore, overwrite)})) {
    EXPECT_TRUE(run.found(Check::kAsyncWait)) << run.settings;
  }
}

TEST(BulkCopy, WaitReadDoesNotWaitForTheWrites) {
  const std::string read = "ld.global.u32 %r8, [%rd2]; st.global.u32 [%rd2+1024], %r8;\n";
  for (const AsyncRun& run :
       run_all_ways({.body = store(kFence, kStore, "cp.async.bulk.wait_group.read 0;\n" + read)})) {
    EXPECT_TRUE(run.found(Check::kAsyncWait)) << run.settings;
  }
  for (const AsyncRun& run :
       run_all_ways({.body = store(kFence, kStore, "cp.async.bulk.wait_group 0;\n" + read)})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[256], 100u) << run.settings;
  }
}

TEST(BulkCopy, ReducesElementByElement) {
  const auto reduce = [](const std::string& operation) {
    return store(kFence,
                 "cp.reduce.async.bulk.global.shared::cta.bulk_group." + operation +
                     " [%rd1], [%r3], 128;\n",
                 "cp.async.bulk.wait_group 0;\n");
  };
  for (const AsyncRun& run : run_all_ways({.body = reduce("add.u32")})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.in[3], 3u + 103u) << run.settings;
  }
  EXPECT_EQ(run({.body = reduce("max.s32")}).in[3], 103u);
  EXPECT_EQ(run({.body = reduce("min.u32")}).in[3], 3u);
  EXPECT_EQ(run({.body = reduce("xor.b32")}).in[3], 3u ^ 103u);
  EXPECT_EQ(run({.body = reduce("inc.u32")}).in[3], 4u);
  EXPECT_THROW(run({.body = reduce("inc.s32")}), ptx::Error);
}

TEST(BulkCopy, FormsThatDoNotExistAreRefused) {
  const std::string group_load =
      "cp.async.bulk.shared::cluster.global.bulk_group [%r3], [%rd1], 512;\n";
  EXPECT_THROW(run({.body = body({group_load})}), ptx::Error);
  const std::string masked =
      "cp.async.bulk.global.shared::cta.bulk_group.cp_mask [%rd2], [%r3], 128, %h1;\n";
  EXPECT_THROW(run({.body = body({masked})}), ptx::Error);
}

}  // namespace
}  // namespace moe::simt
